// @modelcontextprotocol/client 2.x, in both eras: the plain initialize handshake, and the probe that finds 2026-07-28.

import { createRequire } from 'node:module';
import { Client, ProtocolError, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { CHECKS as ASKING, Person } from './asking.mjs';
import { run, target } from './checks.mjs';
import { ASKABLE, Driver, answering } from './driver.mjs';
import { rawTasks } from './raw-tasks.mjs';
import { CHECKS as TASKS } from './tasks.mjs';

const { dependencies } = createRequire(import.meta.url)('./package.json');
const { transport: kind, url, command, args } = target(process.argv.slice(2));

async function connect(mode, person) {
  const transport = {
    stdio: () => new StdioClientTransport({ command, args }),
    http: () => new StreamableHTTPClientTransport(new URL(url)),
    sse: () => new SSEClientTransport(new URL(url)),
  }[kind]();
  const capabilities = person ? ASKABLE : {};
  const settings = { capabilities, versionNegotiation: { mode } };
  const client = new Client({ name: 'impresario-clients', version: '1.0.0' }, settings);
  if (person) {
    const { elicit, sample, roots } = answering(person);
    client.setRequestHandler('elicitation/create', elicit);
    client.setRequestHandler('sampling/createMessage', sample);
    client.setRequestHandler('roots/list', roots);
  }
  await client.connect(transport);
  return new Driver({
    client,
    transport,
    person,
    revision: client.getNegotiatedProtocolVersion(),
    errorType: ProtocolError,
    callTool: (sdk, params, options) => sdk.callTool(params, options),
    tasks: person && rawTasks(transport, person, client.getNegotiatedProtocolVersion(), capabilities),
  });
}

const name = `client ${dependencies['@modelcontextprotocol/client']}`;
const sessions = ([revision, mode]) => [
  { revision, connect: () => connect(mode) },
  { revision, kind: ', answering', checks: ASKING, connect: () => connect(mode, new Person()) },
];
const legacy = sessions(['2025-11-25', 'legacy']);
const modern = [
  ...sessions(['2026-07-28', 'auto']),
  { revision: '2026-07-28', kind: ', with tasks', checks: TASKS, connect: () => connect('auto', new Person()) },
];
await run(name, kind, kind === 'sse' ? legacy : [...legacy, ...modern]);
