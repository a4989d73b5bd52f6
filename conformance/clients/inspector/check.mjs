// The MCP Inspector's command line, in both eras. Every check is one process of its own, as a person would type it:
// connect, ask one thing, print JSON, leave.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHECK_TIMEOUT_MS = 30_000;
const TOOL_IS_ERROR_EXIT = 5;
const MESSAGE = 'päivää 日本語 🚀 "quoted" \'single\' back\\slash\nsecond line\ttabbed';

const here = dirname(fileURLToPath(import.meta.url));
const { dependencies } = createRequire(import.meta.url)('./package.json');
// The Inspector needs a newer Node than this script does; the package `node` brings one.
const node = join(here, 'node_modules/.bin/node');
const inspector = join(here, 'node_modules/.bin/inspector');

const [flag, value] = process.argv.slice(2);
if (process.argv.length !== 4 || !['--http', '--stdio'].includes(flag)) {
  console.error("usage: node check.mjs --http URL | --stdio 'COMMAND ARGUMENT…'");
  process.exit(2);
}
const server =
  flag === '--http' ? ['--transport', 'http', '--server-url', value] : ['--transport', 'stdio', '--', ...value.split(' ').filter(Boolean)];
// The Inspector keeps a catalog in the home directory; the user's own must stay as it is.
const home = mkdtempSync(join(tmpdir(), 'inspector-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

function ask(era, options) {
  const args = [inspector, '--cli', '--format', 'json', '--quiet', '--protocol-era', era, ...options, ...server];
  // A hanging one does not heed SIGTERM, and would hang this process too, without a word on what it was asked.
  const settings = { timeout: CHECK_TIMEOUT_MS, killSignal: 'SIGKILL', env: { ...process.env, HOME: home }, maxBuffer: 16 << 20 };
  return new Promise((resolve) => {
    execFile(node, args, settings, (error, stdout, stderr) => {
      const parse = (text) => {
        try {
          return JSON.parse(text);
        } catch {
          return undefined;
        }
      };
      resolve({
        exit: error ? error.code : 0,
        result: parse(stdout)?.result,
        error: parse(stderr.trim().split('\n').at(-1) ?? '')?.error,
        stderr,
      });
    });
  });
}

const call = (tool, args) => ['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)];
const text = ({ result }) => result?.content?.[0]?.text ?? '';

// Each row: what is asked, what the answer must be, and whether an answer is that.
const CHECKS = {
  lists_tools: [
    ['--method', 'tools/list'],
    'add, calculate and echo among the names',
    ({ result }) => ['add', 'calculate', 'echo'].every((name) => result?.tools?.some((tool) => tool.name === name)),
  ],
  adds: [call('add', { a: 2, b: 3 }), 'the text 5', (answer) => answer.exit === 0 && text(answer) === '5'],
  echoes_any_text: [
    call('echo', { message: MESSAGE }),
    'the same text',
    (answer) => answer.exit === 0 && text(answer) === MESSAGE,
  ],
  explains_a_division_by_zero: [
    call('calculate', { operation: 'divide', a: 1, b: 0 }),
    'isError, and a text about zero',
    (answer) => answer.exit === TOOL_IS_ERROR_EXIT && /zero/i.test(text(answer)),
  ],
  names_the_field_that_breaks_the_schema: [
    call('echo', { message: 42 }),
    'isError, and a text that names message',
    (answer) => answer.exit === TOOL_IS_ERROR_EXIT && /\bmessage\b/.test(text(answer)),
  ],
  reports_a_failing_tool: [
    call('fail', { message: 'x marks the spot' }),
    'isError with the message',
    (answer) => answer.exit === TOOL_IS_ERROR_EXIT && text(answer).includes('x marks the spot'),
  ],
  lists_resources: [
    ['--method', 'resources/list'],
    'a list',
    (answer) => answer.exit === 0 && Array.isArray(answer.result?.resources),
  ],
  lists_templates: [
    ['--method', 'resources/templates/list'],
    'greeting://{name}',
    ({ result }) => result?.resourceTemplates?.some((template) => template.uriTemplate === 'greeting://{name}'),
  ],
  reads_a_template: [
    ['--method', 'resources/read', '--uri', 'greeting://Ada'],
    'a text with Ada',
    ({ result }) => result?.contents?.[0]?.text?.includes('Ada'),
  ],
  refuses_an_unknown_resource: [
    ['--method', 'resources/read', '--uri', 'nowhere://no/such/thing'],
    'an error',
    (answer) => answer.exit === 1 && answer.error?.message,
  ],
  lists_prompts: [
    ['--method', 'prompts/list'],
    'math_helper',
    ({ result }) => result?.prompts?.some((prompt) => prompt.name === 'math_helper'),
  ],
  gets_a_prompt: [
    ['--method', 'prompts/get', '--prompt-name', 'math_helper', '--prompt-args', 'operation=addition'],
    'at least one message',
    ({ result }) => result?.messages?.length >= 1,
  ],
  refuses_a_prompt_without_its_argument: [
    ['--method', 'prompts/get', '--prompt-name', 'math_helper'],
    'an error that names operation',
    (answer) => answer.exit === 1 && /\boperation\b/.test(answer.error?.message),
  ],
};

let passed = 0;
for (const era of ['legacy', 'modern']) {
  const label = `inspector ${dependencies['@modelcontextprotocol/inspector']} ${flag.slice(2)} ${era}`;
  for (const [name, [options, expected, holds]] of Object.entries(CHECKS)) {
    const answer = await ask(era, options);
    if (!holds(answer)) {
      const got = JSON.stringify({ exit: answer.exit, result: answer.result, error: answer.error ?? answer.stderr });
      console.log(`FAIL  ${label}: ${name}: ${options.join(' ')}: expected ${expected}, got ${got}`);
      console.log(`${passed} passed, 1 failed`);
      process.exit(1);
    }
    passed += 1;
    console.log(`ok    ${label}: ${name}`);
  }
}
console.log(`${passed} passed, 0 failed`);
