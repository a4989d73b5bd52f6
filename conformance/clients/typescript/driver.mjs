// What the two generations of the TypeScript SDK have in common: the same method names, the same results.

import { Refused } from './checks.mjs';

/** What a client must declare to be asked anything. */
export const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

/** The results of the three requests that a server may ask a client. */
export function answering(person) {
  return {
    elicit: ({ params }) => person.elicit(params),
    sample: ({ params }) => ({
      role: 'assistant',
      model: 'a-model',
      content: { type: 'text', text: person.sample([params.messages[0].content].flat()[0].text) },
    }),
    roots: () => ({ roots: person.roots.map((uri) => ({ uri })) }),
  };
}

export class Driver {
  /**
   * `errorType` is the class the library throws for a JSON-RPC error; `callTool` and `tasks` (start, status, text and
   * cancel) hide the methods that differ; `person` is who answers.
   */
  constructor({ client, transport, revision, errorType, callTool, person, tasks }) {
    Object.assign(this, { client, transport, revision, errorType, callTool, person, tasks });
    this.hearErrorCodes();
    this.modern = revision >= '2026-07-28';
  }

  /** The code is taken from the wire: 2.x shows -32602 for every missing resource, whatever the server sent. */
  hearErrorCodes() {
    const deliver = this.transport.onmessage;
    this.transport.onmessage = (message, extra) => {
      if (message.error) this.heardCode = message.error.code;
      deliver(message, extra);
    };
  }

  async refusing(attempt) {
    try {
      return await attempt();
    } catch (error) {
      throw error instanceof this.errorType ? new Refused(this.heardCode, error.message) : error;
    }
  }

  async pages(list, field) {
    const found = [];
    let cursor;
    do {
      const page = await this.refusing(() => list(cursor === undefined ? undefined : { cursor }));
      found.push(...page[field]);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  async call(name, args, options) {
    const result = await this.refusing(() => this.callTool(this.client, { name, arguments: args }, options));
    return { text: result.content[0].text, isError: result.isError === true };
  }

  async listTools() {
    return (await this.pages((params) => this.client.listTools(params), 'tools')).map((tool) => tool.name);
  }

  async listResources() {
    return (await this.pages((params) => this.client.listResources(params), 'resources')).map(({ uri }) => uri);
  }

  async listTemplates() {
    const found = await this.pages((params) => this.client.listResourceTemplates(params), 'resourceTemplates');
    return found.map((template) => template.uriTemplate);
  }

  async read(uri) {
    return (await this.refusing(() => this.client.readResource({ uri }))).contents[0].text;
  }

  async listPrompts() {
    return (await this.pages((params) => this.client.listPrompts(params), 'prompts')).map((prompt) => prompt.name);
  }

  async getPrompt(name, args) {
    return (await this.refusing(() => this.client.getPrompt({ name, arguments: args }))).messages.length;
  }

  async complete(prompt, argument, typed) {
    const params = { ref: { type: 'ref/prompt', name: prompt }, argument: { name: argument, value: typed } };
    return (await this.refusing(() => this.client.complete(params))).completion.values;
  }

  ping() {
    return this.refusing(() => this.client.ping());
  }

  startTask(name, args) {
    return this.refusing(() => this.tasks.start(name, args));
  }

  taskStatus(task) {
    return this.refusing(() => this.tasks.status(task));
  }

  taskText(task) {
    return this.refusing(() => this.tasks.text(task));
  }

  cancelTask(task) {
    return this.refusing(() => this.tasks.cancel(task));
  }

  async close() {
    // Only a legacy HTTP connection has a session to end.
    if (this.transport.sessionId !== undefined) await this.transport.terminateSession();
    await this.client.close();
  }
}
