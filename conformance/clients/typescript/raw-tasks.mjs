// Tasks of 2026-07-28 for @modelcontextprotocol/client 2.x, which refuses to send or take anything of theirs: whole
// requests, by the library's transport, which adds the headers.

import { ProtocolError } from '@modelcontextprotocol/client';

const POLL_MS = 20;
const OPEN = ['working', 'input_required'];

/** Sends requests by a transport that a client is connected to, and keeps their answers from that client. */
function sender(transport, envelope) {
  const waiting = new Map();
  const deliver = transport.onmessage;
  transport.onmessage = (message, extra) => {
    const settle = waiting.get(message.id);
    if (settle === undefined) return deliver(message, extra);
    waiting.delete(message.id);
    settle(message);
  };
  let sent = 0;
  return (method, params) =>
    new Promise((resolve, reject) => {
      const id = `raw-${(sent += 1)}`;
      waiting.set(id, ({ result, error }) => {
        if (error) reject(new ProtocolError(error.code, error.message));
        else resolve(result);
      });
      const message = { jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope } };
      transport.send(message).catch(reject);
    });
}

export function rawTasks(transport, person, revision, capabilities) {
  const send = sender(transport, {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'impresario-clients', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {
      ...capabilities,
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    },
  });
  const answers = (questions) =>
    Object.fromEntries(Object.entries(questions).map(([key, { params }]) => [key, person.elicit(params)]));
  return {
    start: async (name, args) => (await send('tools/call', { name, arguments: args })).taskId,
    status: async (taskId) => (await send('tasks/get', { taskId })).status,
    cancel: (taskId) => send('tasks/cancel', { taskId }),
    async text(taskId) {
      let state = await send('tasks/get', { taskId });
      while (OPEN.includes(state.status)) {
        if (state.inputRequests) {
          await send('tasks/update', { taskId, inputResponses: answers(state.inputRequests) });
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        state = await send('tasks/get', { taskId });
      }
      return state.result.content[0].text;
    },
  };
}
