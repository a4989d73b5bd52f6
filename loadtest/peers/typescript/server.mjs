// The TypeScript SDK in its second or its first major version, with the tools that every peer serves.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const DEFINITIONS = JSON.parse(readFileSync(new URL('../tools-23.json', import.meta.url)));

const { values: options } = parseArgs({
    options: {
        port: { type: 'string', default: '0' },
        sdk: { type: 'string', default: '2' },
        threads: { type: 'string', default: '1' },
        tools: { type: 'string', default: '23' },
    },
});
if (options.threads !== '1') throw new Error('one process has one thread that serves: leave out --threads');
const definitions = DEFINITIONS.slice(0, Number(options.tools));
const names = new Set(definitions.map((definition) => definition.name));
const about = [{ name: `typescript-sdk-${options.sdk}`, version: '0.1.0' }, { capabilities: { tools: {} } }];

/** What a tool answers. Only echo and add do anything: the others are there to be listed. */
function answer({ name, arguments: given = {} }) {
    const text = (text, isError = false) => ({ content: [{ type: 'text', text }], isError });
    if (name === 'echo') return text(given.message);
    if (name === 'add') return text(String(given.a + given.b));
    return names.has(name) ? text(`${name} is done`) : text(`there is no tool ${name}`, true);
}

/** Both eras; the library wants a server for each request. */
async function second() {
    const { Server, createMcpHandler } = await import('@modelcontextprotocol/server');
    const { localhostHostValidation, toNodeHandler } = await import('@modelcontextprotocol/node');
    const handle = toNodeHandler(
        createMcpHandler(() => {
            const server = new Server(...about);
            server.setRequestHandler('tools/list', () => ({ tools: definitions }));
            server.setRequestHandler('tools/call', (request) => answer(request.params));
            return server;
        }),
    );
    const isHere = localhostHostValidation();
    return (request, response) => {
        if (isHere(request, response)) return handle(request, response);
    };
}

/** Revisions before 2026-07-28, without sessions, as in the examples of the library: a server for each request. */
async function first() {
    const { Server } = await import('@modelcontextprotocol/sdk/server/index.js');
    const { StreamableHTTPServerTransport } = await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
    const { CallToolRequestSchema, ListToolsRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
    return async (request, response) => {
        const server = new Server(...about);
        server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: definitions }));
        server.setRequestHandler(CallToolRequestSchema, (request) => answer(request.params));
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
        response.on('close', () => {
            transport.close();
            server.close();
        });
        await server.connect(transport);
        await transport.handleRequest(request, response);
    };
}

const handle = await { 1: first, 2: second }[options.sdk]();
const server = createServer({ noDelay: true }, (request, response) => {
    if (request.url !== '/mcp') return response.writeHead(404).end();
    Promise.resolve(handle(request, response)).catch((error) => {
        console.error(error);
        if (!response.headersSent) response.writeHead(500).end();
    });
});
server.listen(Number(options.port), '127.0.0.1', 4096, () => {
    console.error(`listening on http://127.0.0.1:${server.address().port}/mcp`);
});
