// @modelcontextprotocol/sdk 1.x: the TypeScript client most applications run, on revision 2025-11-25.

import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { run, target } from './checks.mjs';
import { Driver } from './driver.mjs';

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

async function connect() {
  const noted = {};
  const plain = {
    stdio: () => new StdioClientTransport({ command, args }),
    http: () => new StreamableHTTPClientTransport(new URL(url)),
    sse: () => new SSEClientTransport(new URL(url)),
  }[kind]();
  const client = new Client({ name: 'impresario-clients', version: '1.0.0' });
  const transport = noting(plain, noted);
  await client.connect(transport);
  return new Driver({
    client,
    transport,
    revision: noted.revision,
    errorType: McpError,
    callTool: (sdk, params, options) => sdk.callTool(params, undefined, options),
  });
}

const name = `sdk ${dependencies['@modelcontextprotocol/sdk']}`;
await run(name, kind, [{ revision: '2025-11-25', connect }]);
