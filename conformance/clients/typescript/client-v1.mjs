// @modelcontextprotocol/sdk 1.x: the TypeScript client most applications run, on revision 2025-11-25.

import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  CreateTaskResultSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { CHECKS as ASKING, Person } from './asking.mjs';
import { run, target } from './checks.mjs';
import { ASKABLE, Driver, answering } from './driver.mjs';
import { CHECKS as TASKS } from './tasks.mjs';

const { dependencies } = createRequire(import.meta.url)('./package.json');
const { transport: kind, url, command, args } = target(process.argv.slice(2));

/** The library keeps the agreed revision to itself, so the transport is asked: it must be told by the client. */
function noting(transport, noted) {
  const tell = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => {
    noted.revision = version;
    tell?.(version);
  };
  return transport;
}

/** The tasks of 2025-11-25, by what the library has for them. `tasks/result` waits, and brings the task's questions. */
function tasksOf(client) {
  const { tasks } = client.experimental;
  return {
    async start(name, args) {
      const call = { method: 'tools/call', params: { name, arguments: args } };
      return (await client.request(call, CreateTaskResultSchema, { task: { ttl: 60_000 } })).task.taskId;
    },
    status: async (task) => (await tasks.getTask(task)).status,
    text: async (task) => (await tasks.getTaskResult(task, CallToolResultSchema)).content[0].text,
    cancel: (task) => tasks.cancelTask(task),
  };
}

async function connect(person) {
  const noted = {};
  const plain = {
    stdio: () => new StdioClientTransport({ command, args }),
    http: () => new StreamableHTTPClientTransport(new URL(url)),
    sse: () => new SSEClientTransport(new URL(url)),
  }[kind]();
  const capabilities = person ? ASKABLE : {};
  const client = new Client({ name: 'impresario-clients', version: '1.0.0' }, { capabilities });
  if (person) {
    const { elicit, sample, roots } = answering(person);
    client.setRequestHandler(ElicitRequestSchema, elicit);
    client.setRequestHandler(CreateMessageRequestSchema, sample);
    client.setRequestHandler(ListRootsRequestSchema, roots);
  }
  const transport = noting(plain, noted);
  await client.connect(transport);
  return new Driver({
    client,
    transport,
    person,
    revision: noted.revision,
    errorType: McpError,
    callTool: (sdk, params, options) => sdk.callTool(params, undefined, options),
    tasks: tasksOf(client),
  });
}

const name = `sdk ${dependencies['@modelcontextprotocol/sdk']}`;
const revision = '2025-11-25';
await run(name, kind, [
  { revision, connect: () => connect() },
  { revision, kind: ', answering', checks: ASKING, connect: () => connect(new Person()) },
  { revision, kind: ', with tasks', checks: TASKS, connect: () => connect(new Person()) },
]);
