// @modelcontextprotocol/client 2.x, in both eras: the plain initialize handshake, and the probe that finds 2026-07-28.

import { createRequire } from 'node:module';
import { Client, ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { run, target } from './checks.mjs';
import { Driver } from './driver.mjs';

const { dependencies } = createRequire(import.meta.url)('./package.json');
const { transport: kind, url, command, args } = target(process.argv.slice(2));

async function connect(mode) {
  const transport =
    kind === 'stdio' ? new StdioClientTransport({ command, args }) : new StreamableHTTPClientTransport(new URL(url));
  const client = new Client({ name: 'impresario-clients', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return new Driver({
    client,
    transport,
    revision: client.getNegotiatedProtocolVersion(),
    errorType: ProtocolError,
    callTool: (sdk, params, options) => sdk.callTool(params, options),
  });
}

const name = `client ${dependencies['@modelcontextprotocol/client']}`;
await run(name, kind, [
  { revision: '2025-11-25', connect: () => connect('legacy') },
  { revision: '2026-07-28', connect: () => connect('auto') },
]);
