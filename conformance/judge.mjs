// Judges what the official suite has written about a server: every check of every scenario of every run.
//
//   node judge.mjs RESULTS LIST
//
// RESULTS has a folder for each run, named after it, with the suite's folders in it. LIST is what `conformance list`
// printed: each of its server scenarios must have been run in each of its revisions, so a new one can't be overlooked.
//
// A scenario passes when it checked something and no check failed or warned. What was skipped is shown with its reason.
import { readFileSync, readdirSync } from 'node:fs';

const [results, listPath] = process.argv.slice(2);

// `  - name [2025-11-25,2026-07-28]`, in the part about servers.
const serverPart = readFileSync(listPath, 'utf8').split(/^Client scenarios/m)[0];
const listed = [...serverPart.matchAll(/^ +- (\S+) \[([^\]]+)\]$/gm)].map(([, scenario, revisions]) => ({
  scenario,
  revisions: revisions.split(','),
}));

// The suite itself skips these, whatever the server does: its harness can't see yet what they are about.
const skippedBySuite = new Set(['tasks-status-notifications']);

const reason = (check) => `${check.status} ${check.id}: ${(check.errorMessage ?? check.description).slice(0, 600)}`;

function judge(run, folder) {
  const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(folder)[1];
  const checks = JSON.parse(readFileSync(`${results}/${run}/${folder}/checks.json`, 'utf8'));
  const having = (...statuses) => checks.filter((check) => statuses.includes(check.status));
  const wrong = having('FAILURE', 'WARNING').map(reason);
  // That the messages were well-formed says nothing of what the scenario is about.
  const said = having('SUCCESS').filter((check) => check.id !== 'wire-schema-valid');
  if (skippedBySuite.has(scenario)) {
    const isSkipped = said.length === 0 && having('SKIPPED').length > 0;
    if (!isSkipped) wrong.push('the suite checks this now: take it from `skippedBySuite` in judge.mjs');
  } else if (wrong.length === 0 && said.length === 0) {
    wrong.push('nothing was checked', ...having('SKIPPED', 'INFO').map(reason));
  }
  return { run, scenario, wrong, skipped: having('SKIPPED'), passed: said.length };
}

const runs = readdirSync(results).sort();
const judged = runs.flatMap((run) => readdirSync(`${results}/${run}`).sort().map((folder) => judge(run, folder)));
const ran = new Set(judged.map(({ run, scenario }) => `${run} ${scenario}`));
const missing = listed.flatMap(({ scenario, revisions }) =>
  revisions.filter((revision) => !ran.has(`${revision} ${scenario}`)).map((revision) => `${scenario} [${revision}]`),
);

const failing = judged.filter(({ wrong }) => wrong.length > 0);

for (const run of runs) {
  const mine = judged.filter((one) => one.run === run);
  const good = mine.filter(({ wrong }) => wrong.length === 0);
  const checks = mine.reduce((sum, { passed }) => sum + passed, 0);
  console.log(`${run}: ${good.length} of ${mine.length} scenarios pass, ${checks} checks`);
}
for (const { run, scenario, skipped } of judged.filter(({ skipped }) => skipped.length > 0)) {
  console.log([`skipped in ${scenario} (${run}):`, ...skipped.map((check) => `    ${reason(check)}`)].join('\n'));
}
for (const { run, scenario, wrong } of failing) {
  console.log([`FAILS: ${scenario} (${run})`, ...wrong.map((line) => `    ${line}`)].join('\n'));
}
if (missing.length > 0) console.log(`NEVER RUN: ${missing.join(', ')}`);
if (listed.length === 0) console.log('NO SCENARIO IS LISTED: does the suite print its list in another way now?');
process.exitCode = failing.length + missing.length > 0 || listed.length === 0 ? 1 : 0;
