// deploy/: `npm run deploy:render` writes deploy/kubernetes/*.yaml from the chart (needs helm); `npm run deploy:check`
// tries everything that can be tried here and says what it skipped. test/deploy/kubernetes*.test.ts use the functions.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const chart = join(root, 'deploy/helm/lanner');

/** One set of manifests for each preset of the chart. */
export const presets = readdirSync(join(chart, 'presets'))
  .map((file) => file.replace(/\.yaml$/, ''))
  .sort();

/** Path of the manifests of a preset. */
export function manifestsOf(preset) {
  return join(root, 'deploy/kubernetes', `${preset}.yaml`);
}

/** Names and contents of everything that the manifests are made of. */
export function chartDigest() {
  const hash = createHash('sha256');
  for (const file of readdirSync(chart, { recursive: true }).map(String).sort()) {
    if (!statSync(join(chart, file)).isFile()) continue;
    hash.update(`${file}\0`).update(readFileSync(join(chart, file))).update('\0');
  }
  return hash.digest('hex');
}

/** Runs helm; undefined where there is none. */
export function helm(...args) {
  const run = spawnSync(process.env.HELM ?? 'helm', args, { cwd: root, encoding: 'utf8' });
  return run.error === undefined ? { status: run.status, out: run.stdout, err: run.stderr } : undefined;
}

/** What deploy/kubernetes/PRESET.yaml should hold; undefined without helm. Throws what helm says. */
export function render(preset) {
  const values = join(chart, 'presets', `${preset}.yaml`);
  // A helm built as a Go module believes in Kubernetes 1.20 unless it is told.
  const run = helm('template', 'lanner', chart, '--namespace', 'lanner', '--kube-version', '1.30.0', '-f', values);
  if (run === undefined) return undefined;
  if (run.status !== 0) throw new Error(`helm template ${preset}: ${run.err}`);
  return `# Rendered by \`npm run deploy:render\` from deploy/helm/lanner, preset ${preset}.
# chart ${chartDigest()}
# Set the image, and make the Secret \`lanner\` in the namespace with these keys: ${keys(run.out)}
apiVersion: v1
kind: Namespace
metadata:
  name: lanner
  labels:
    # hostPath volumes need it: the state, and the sensor's socket.
    pod-security.kubernetes.io/enforce: privileged
${run.out.replace(/\s+$/gm, '')}
`;
}

/** Keys of the Secret that the manifests read. */
function keys(text) {
  return [...text.matchAll(/secretKeyRef: \{name: lanner, key: ([\w-]+)\}/g)].map((match) => match[1]).join(', ');
}

function write() {
  for (const preset of presets) {
    const text = render(preset);
    if (text === undefined) throw new Error('helm is not here: go install helm.sh/helm/v3/cmd/helm@v3.18.6');
    writeFileSync(manifestsOf(preset), text);
  }
}

function check() {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const step = (name, run) => {
    let outcome;
    try {
      outcome = run();
    } catch (error) {
      outcome = String(error);
    }
    const word = outcome === true ? 'passed' : outcome === undefined ? 'skipped' : 'failed';
    tally[word] += 1;
    console.log(`${word.padEnd(8)}${name}${word === 'failed' ? `\n${outcome}` : ''}`);
  };
  const tool = (command, args, cwd = root) => {
    const run = spawnSync(command, args, { cwd, encoding: 'utf8' });
    if (run.error !== undefined) return undefined;
    return run.status === 0 ? true : `${run.stdout}${run.stderr}`;
  };
  for (const preset of presets) {
    const stale = 'stale: npm run deploy:render';
    step(`manifests of ${preset} are those of this chart`, () =>
      readFileSync(manifestsOf(preset), 'utf8').includes(`\n# chart ${chartDigest()}\n`) ? true : stale,
    );
    step(`helm lint, preset ${preset}`, () => {
      const run = helm('lint', chart, '--strict', '--kube-version', '1.30.0', '-f', join(chart, 'presets', `${preset}.yaml`));
      return run === undefined ? undefined : run.status === 0 ? true : run.out + run.err;
    });
    step(`helm template, preset ${preset}`, () => {
      const text = render(preset);
      if (text === undefined) return undefined;
      return text === readFileSync(manifestsOf(preset), 'utf8') ? true : stale;
    });
  }
  step('promtool check rules', () =>
    tool('promtool', ['check', 'rules', 'alerts.yaml'], join(root, 'deploy/monitoring')),
  );
  step('promtool test rules', () =>
    tool('promtool', ['test', 'rules', 'alerts.test.yaml'], join(root, 'deploy/monitoring')),
  );
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped (tool not here)`);
  if (tally.failed > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) write();
  else check();
}
