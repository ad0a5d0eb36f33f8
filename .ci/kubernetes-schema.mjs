// The Kubernetes schemas as the kubernetes-models packages carry them (1.27): types, required keys and closed lists,
// without a network. Unknown keys pass here; the real API server refuses them (test/deploy/kube-apiserver.real.test.ts).

/** What the schema of its kind finds wrong with a manifest; undefined: nothing. */
export async function schemaProblem({ apiVersion, kind, ...rest }) {
  const of = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  let models;
  try {
    models = await import(`${of}/${apiVersion}`);
  } catch {
    return `no schema of ${apiVersion}`;
  }
  if (models[kind] === undefined) return `no schema of ${apiVersion} ${kind}`;
  try {
    new models[kind]({ apiVersion, kind, ...rest }).validate();
  } catch (error) {
    return `${kind} ${rest.metadata?.name}: ${error.message}`;
  }
}
