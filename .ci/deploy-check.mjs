// `npm run deploy:check`: tries everything of deploy/ that can be tried here, without a network and without changing
// anything. Each line says what passed, what failed and how, what was skipped and why. `npm run test:real` does more.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  chart,
  chartDigest,
  documents,
  folderOf,
  helm,
  kustomization,
  kustomize,
  manifestsOf,
  presets,
  render,
  root,
  valuesOf,
} from './deploy.mjs';
import { dashboard } from './dashboard.mjs';
import { olderRules, rulesFile } from './falco-rules.mjs';
import { schemaProblem } from './kubernetes-schema.mjs';

const tally = { passed: 0, failed: 0, skipped: 0 };
const stale = 'stale: npm run deploy:render';
const passed = { word: 'passed' };
const failed = (why) => ({ word: 'failed', why });
const skipped = (why) => ({ word: 'skipped', why });
const unless = (isRight, why) => (isRight ? passed : failed(why));

/** A check whose outcome is `passed`, `failed(why)` or `skipped(why)`; what it throws is a failure. */
async function step(name, run) {
  let outcome;
  try {
    outcome = await run();
  } catch (error) {
    outcome = failed(error.message);
  }
  tally[outcome.word] += 1;
  console.log(
    `${outcome.word.padEnd(8)}${name}${outcome.why === undefined ? '' : `: ${outcome.why.trim()}`}`,
  );
}

/** A program that says by its exit code whether all is well. */
function tool(command, args, { cwd = root, from = '.ci/install-real.sh installs it' } = {}) {
  const run = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (run.error !== undefined) return skipped(`${command} is not here (${from})`);
  return unless(run.status === 0, `${run.stdout}${run.stderr}`);
}

const noHelm = () => skipped('helm is not here (.ci/install-real.sh builds it where Go is)');

for (const preset of presets) {
  const text = readFileSync(manifestsOf(preset), 'utf8');
  await step(`${preset}: manifests are those of this chart`, () =>
    unless(text.includes(`\n# chart ${chartDigest()}\n`), stale),
  );
  await step(`${preset}: kustomization`, () =>
    unless(
      readFileSync(join(folderOf(preset), 'kustomization.yaml'), 'utf8') === kustomization(preset),
      stale,
    ),
  );
  await step(`${preset}: Kubernetes schemas`, async () => {
    const problems = (await Promise.all(documents(text).map(schemaProblem))).filter(Boolean);
    return unless(problems.length === 0, problems.join('; '));
  });
  await step(`${preset}: helm lint --strict`, () => {
    const run = helm('lint', chart, '--strict', '--kube-version', '1.30.0', '-f', valuesOf(preset));
    return run === undefined ? noHelm() : unless(run.status === 0, run.out + run.err);
  });
  await step(`${preset}: helm template gives the manifests`, () => {
    const rendered = render(preset);
    return rendered === undefined ? noHelm() : unless(rendered === text, stale);
  });
  await step(`${preset}: kubectl kustomize gives the manifests`, () => {
    const built = kustomize(folderOf(preset));
    if (built === undefined) return skipped('neither kubectl nor kustomize is here (.ci/install-real.sh)');
    return unless(
      isDeepStrictEqual(byName(documents(built)), byName(documents(text))),
      'it gives something else',
    );
  });
}
for (const version of Object.keys(olderRules))
  await step(`Falco rules of ${version} are those of lanner_rules.yaml`, () =>
    unless(
      readFileSync(rulesFile(version), 'utf8') === olderRules[version](readFileSync(rulesFile(), 'utf8')),
      stale,
    ),
  );
await step('Grafana dashboard', () =>
  unless(readFileSync(join(root, 'deploy/monitoring/dashboard.json'), 'utf8') === dashboard(), stale),
);
const monitoring = { cwd: join(root, 'deploy/monitoring') };
await step('promtool check rules', () => tool('promtool', ['check', 'rules', 'alerts.yaml'], monitoring));
await step('promtool test rules', () => tool('promtool', ['test', 'rules', 'alerts.test.yaml'], monitoring));
await step('systemd-analyze verify', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-unit-'));
  try {
    const unit = readFileSync(join(root, 'deploy/systemd/lanner.service'), 'utf8');
    // The program need not be installed here.
    writeFileSync(join(folder, 'lanner.service'), unit.replace('/usr/local/bin/lanner', '/bin/true'));
    return tool('systemd-analyze', ['verify', join(folder, 'lanner.service')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
await step('falco --validate lanner_rules.yaml', () =>
  tool('falco', ['--validate', rulesFile()], { from: 'falco.org has packages' }),
);
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
if (tally.failed > 0) process.exitCode = 1;

function byName(all) {
  return Object.fromEntries(all.map((one) => [`${one.kind} ${one.metadata.name}`, one]));
}
