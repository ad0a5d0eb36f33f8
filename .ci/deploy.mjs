// deploy/: `npm run deploy:render` writes deploy/kubernetes from the chart (needs helm), the Falco rules of older
// versions from those of the newest, and the Grafana dashboard. .ci/deploy-check.mjs and test/deploy use the functions.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { dashboard } from './dashboard.mjs';
import { olderRules, rulesFile } from './falco-rules.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const chart = join(root, 'deploy/helm/lanner');

/** One set of manifests for each preset of the chart. */
export const presets = readdirSync(join(chart, 'presets'))
  .map((file) => file.replace(/\.yaml$/, ''))
  .sort();

/** The folder of a preset, for `kubectl apply -k`. */
export function folderOf(preset) {
  return join(root, 'deploy/kubernetes', preset);
}

/** Path of the manifests of a preset. */
export function manifestsOf(preset) {
  return join(folderOf(preset), 'lanner.yaml');
}

/** Path of the values of a preset. */
export function valuesOf(preset) {
  return join(chart, 'presets', `${preset}.yaml`);
}

/** The documents of a YAML text, empty ones left out. */
export function documents(text) {
  return parseAllDocuments(text)
    .map((one) => one.toJS())
    .filter((one) => one !== null);
}

/** Names and contents of everything that the manifests are made of. */
export function chartDigest() {
  const hash = createHash('sha256');
  for (const file of readdirSync(chart, { recursive: true }).map(String).sort()) {
    if (!statSync(join(chart, file)).isFile()) continue;
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(chart, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Runs helm; undefined where there is none. */
export function helm(...args) {
  const run = spawnSync(process.env.HELM ?? 'helm', args, { cwd: root, encoding: 'utf8' });
  return run.error === undefined ? { status: run.status, out: run.stdout, err: run.stderr } : undefined;
}

/** `helm template` of the chart with more arguments; undefined without helm. */
export function template(...args) {
  // A helm built as a Go module believes in Kubernetes 1.20 unless it is told.
  return helm('template', 'lanner', chart, '--namespace', 'lanner', '--kube-version', '1.30.0', ...args);
}

/** What `kubectl kustomize` makes of a folder; undefined where neither kubectl nor kustomize is. Throws what it says. */
export function kustomize(folder) {
  for (const [program, args] of [
    ['kubectl', ['kustomize', folder]],
    ['kustomize', ['build', folder]],
  ]) {
    const run = spawnSync(program, args, { encoding: 'utf8' });
    if (run.error !== undefined) continue;
    if (run.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${run.stderr}`);
    return run.stdout;
  }
  return undefined;
}

/** What the manifests of a preset should hold; undefined without helm. Throws what helm says. */
export function render(preset) {
  const run = template('-f', valuesOf(preset));
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

/** The kustomization of a preset. */
export function kustomization(preset) {
  const secrets = keys(readFileSync(manifestsOf(preset), 'utf8')).split(', ');
  return `# Rendered by \`npm run deploy:render\`: kubectl apply -k deploy/kubernetes/${preset}
# Better from a folder of your own, whose kustomization.yaml names your image and makes the Secret:
#   resources: [<path or URL>/deploy/kubernetes/${preset}]
#   images: [{name: lanner, newName: registry.example/lanner, newTag: 0.1.0}]
#   secretGenerator:
#     - {name: lanner, namespace: lanner, options: {disableNameSuffixHash: true}, files: [${secrets.join(', ')}]}
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [lanner.yaml]
`;
}

/** Keys of the Secret that the manifests read. */
function keys(text) {
  return [...text.matchAll(/secretKeyRef: \{name: lanner, key: ([\w-]+)\}/g)]
    .map((match) => match[1])
    .join(', ');
}

function write() {
  for (const preset of presets) {
    const text = render(preset);
    if (text === undefined) throw new Error('helm is not here: go install helm.sh/helm/v3/cmd/helm@v3.18.6');
    mkdirSync(folderOf(preset), { recursive: true });
    writeFileSync(manifestsOf(preset), text);
    writeFileSync(join(folderOf(preset), 'kustomization.yaml'), kustomization(preset));
  }
  for (const version of Object.keys(olderRules))
    writeFileSync(rulesFile(version), olderRules[version](readFileSync(rulesFile(), 'utf8')));
  writeFileSync(join(root, 'deploy/monitoring/dashboard.json'), dashboard());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
