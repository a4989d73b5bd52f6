// The checks every TypeScript client runs, written once against a small driver: those of a client that is never asked.
// `asking.mjs` has those of a client that answers, `tasks.mjs` those of one that knows tasks.
//
// A driver wraps one client library and says nothing about what is right; these files say what is right and know no
// client library. They must never retry.

const UNICODE_MESSAGE = 'päivää 日本語 🚀 "quoted" \'single\' back\\slash\nsecond line\r\n\ttabbed \u2028 end';
const CONCURRENT_CALLS = 200;
const CHECK_TIMEOUT_MS = 30_000;
const UNKNOWN_URI = 'nowhere://no/such/thing';
const LEGACY_RESOURCE_NOT_FOUND = -32002;
export const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
const MISSING_CLIENT_CAPABILITY = -32021;

/** The server answered with a JSON-RPC error. */
export class Refused extends Error {
  constructor(code, message) {
    super(`error ${code}: ${message}`);
    this.code = code;
  }
}

/** The server answered something else than it should. */
class Mismatch extends Error {}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Refuses an answer that is not the expected one, naming all three. */
export function expect(holds, request, expected, answer) {
  if (!holds) throw new Mismatch(`${request}: expected ${expected}, got ${JSON.stringify(answer)}`);
}

/** The attempt must end in a JSON-RPC error with exactly this code. */
export async function expectRefusal(request, code, attempt) {
  const answer = await attempt.catch((error) => error);
  if (answer instanceof Error && !(answer instanceof Refused)) throw answer;
  expect(answer instanceof Refused && answer.code === code, request, `error ${code}`, answer.message ?? answer);
}

export const isText = (answer, text) => answer.text === text && !answer.isError;
const names = (text, field) => new RegExp(`\\b${field}\\b`).test(text);

export const CHECKS = {
  async lists_tools(client) {
    const tools = await client.listTools();
    const wanted = ['add', 'calculate', 'echo'];
    expect(wanted.every((name) => tools.includes(name)), 'tools/list', `${wanted} among the names`, tools);
    expect(new Set(tools).size === tools.length, 'tools/list', 'each name once over all pages', tools);
  },

  async adds(client) {
    const answer = await client.call('add', { a: 2, b: 3 });
    expect(isText(answer, '5'), 'add {a:2,b:3}', 'the text 5', answer);
  },

  async echoes_any_text(client) {
    const answer = await client.call('echo', { message: UNICODE_MESSAGE });
    expect(isText(answer, UNICODE_MESSAGE), 'echo with unicode, quotes and newlines', 'the same text', answer);
  },

  async explains_a_division_by_zero(client) {
    const answer = await client.call('calculate', { operation: 'divide', a: 1, b: 0 });
    expect(answer.isError, 'calculate 1/0', 'isError', answer);
    expect(/zero/i.test(answer.text), 'calculate 1/0', 'a text that says what is wrong with zero', answer);
  },

  async names_the_field_that_breaks_the_schema(client) {
    const broken = [
      ['echo', { message: 42 }, 'message'],
      ['echo', {}, 'message'],
      ['calculate', { operation: 'frobnicate', a: 1, b: 1 }, 'operation'],
    ];
    for (const [tool, args, field] of broken) {
      const answer = await client.call(tool, args);
      expect(answer.isError, `${tool} ${JSON.stringify(args)}`, 'isError', answer);
      expect(names(answer.text, field), `${tool} ${JSON.stringify(args)}`, `a text that names ${field}`, answer);
    }
  },

  async refuses_an_unknown_tool(client) {
    await expectRefusal('tools/call no_such_tool', INVALID_PARAMS, client.call('no_such_tool', {}));
  },

  async reads_a_template(client) {
    const text = await client.read('greeting://Ada');
    expect(text.includes('Ada'), 'read greeting://Ada', 'a text with Ada', text);
  },

  async refuses_an_unknown_resource(client) {
    const code = client.modern ? INVALID_PARAMS : LEGACY_RESOURCE_NOT_FOUND;
    await expectRefusal(`read ${UNKNOWN_URI}`, code, client.read(UNKNOWN_URI));
  },

  async lists_resources_and_templates(client) {
    await client.listResources();
    const templates = await client.listTemplates();
    expect(templates.includes('greeting://{name}'), 'resources/templates/list', 'greeting://{name}', templates);
  },

  async gets_a_prompt(client) {
    const prompts = await client.listPrompts();
    expect(prompts.includes('math_helper'), 'prompts/list', 'math_helper', prompts);
    const count = await client.getPrompt('math_helper', { operation: 'addition' });
    expect(count >= 1, 'prompts/get math_helper', 'at least one message', count);
  },

  async refuses_a_prompt_without_its_argument(client) {
    await expectRefusal('prompts/get math_helper {}', INVALID_PARAMS, client.getPrompt('math_helper', {}));
  },

  async completes_an_argument(client) {
    const values = await client.complete('math_helper', 'operation', 'add');
    expect(values.length > 0, 'complete operation=add', 'at least one value', values);
    expect(values.every((value) => value.startsWith('add')), 'complete operation=add', 'values that start so', values);
  },

  async reports_progress(client) {
    const seen = [];
    await client.call('progress', { steps: 5, ms: 5 }, { onprogress: ({ progress }) => seen.push(progress) });
    // A client library may hand a notification to its callback a moment after the result.
    for (let waited = 0; seen.length < 5 && waited < 2_000; waited += 10) await sleep(10);
    expect(seen.length === 5, 'progress {steps:5}', '5 notifications', seen);
    expect(seen.every((value, n) => n === 0 || seen[n - 1] < value), 'progress {steps:5}', 'strictly increasing', seen);
  },

  async keeps_concurrent_calls_apart(client) {
    const messages = Array.from({ length: CONCURRENT_CALLS }, (_, n) => `message ${n} of ${CONCURRENT_CALLS}`);
    const answers = await Promise.all(messages.map((message) => client.call('echo', { message })));
    messages.forEach((message, n) => {
      expect(isText(answers[n], message), `concurrent echo ${message}`, 'its own text', answers[n]);
    });
  },

  async reports_a_failing_tool(client) {
    const answer = await client.call('fail', { message: 'x marks the spot' });
    const holds = answer.isError && answer.text.includes('x marks the spot');
    expect(holds, 'fail {message}', 'isError with the message', answer);
  },

  async survives_a_panic(client) {
    await expectRefusal('panic', INTERNAL_ERROR, client.call('panic', {}));
    const answer = await client.call('echo', { message: 'after the panic' });
    expect(isText(answer, 'after the panic'), 'echo after panic', 'its text', answer);
  },

  async cancels_a_call(client) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    const outcome = await client.call('sleep', { ms: 30_000 }, { signal: abort.signal }).catch(() => 'given up');
    expect(outcome === 'given up', 'sleep, cancelled', 'no result', outcome);
    const started = performance.now();
    const answer = await client.call('echo', { message: 'after the cancellation' });
    expect(isText(answer, 'after the cancellation'), 'echo after cancelling sleep', 'its text', answer);
    const elapsedMs = Math.round(performance.now() - started);
    expect(elapsedMs < 1_000, 'echo after cancelling sleep', 'an answer within a second', `${elapsedMs} ms`);
  },

  async asks_nobody_who_did_not_offer(client) {
    if (client.modern) {
      await expectRefusal('ask', MISSING_CLIENT_CAPABILITY, client.call('ask', {}));
    } else {
      const answer = await client.call('ask', {});
      expect(answer.isError && answer.text.includes('elicitation'), 'ask', 'isError, and what is missing', answer);
    }
  },

  async pings(client) {
    if (client.modern) return 'skipped';
    await client.ping();
  },
};

/** Where the server is: an address, or a command to start. */
export function target(argv) {
  const [flag, value] = argv;
  if (argv.length !== 2 || !['--http', '--sse', '--stdio'].includes(flag)) {
    console.error("usage: node client-v….mjs --http URL | --sse URL | --stdio 'COMMAND ARGUMENT…'");
    process.exit(2);
  }
  const [command, ...args] = flag === '--stdio' ? value.split(' ').filter(Boolean) : [];
  return { transport: flag.slice(2), url: value, command, args };
}

function within(ms, attempt) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Mismatch(`no answer within ${ms} ms`)), ms);
  });
  return Promise.race([attempt, late]).finally(() => clearTimeout(timer));
}

/** One line per check; the first mismatch ends the run. */
export async function run(client, transport, sessions) {
  let passed = 0;
  for (const { revision, connect, kind = '', checks = CHECKS } of sessions) {
    const label = `${client} ${transport} ${revision}${kind}`;
    const check = async (name, attempt) => {
      try {
        if ((await within(CHECK_TIMEOUT_MS, attempt())) === 'skipped') return;
        passed += 1;
        console.log(`ok    ${label}: ${name}`);
      } catch (error) {
        console.log(`FAIL  ${label}: ${name}: ${error.message}`);
        console.log(`${passed} passed, 1 failed`);
        process.exit(1);
      }
    };
    let driver;
    await check(`agrees_on_${revision}`, async () => {
      driver = await connect();
      expect(driver.revision === revision, 'the handshake', revision, driver.revision);
    });
    for (const [name, body] of Object.entries(checks)) await check(name, () => body(driver));
    await check('closes', () => driver.close());
  }
  console.log(`${passed} passed, 0 failed`);
  process.exit(0);
}
