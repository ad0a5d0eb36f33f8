import type { Finding } from '../model/finding.ts';

/** What a finding says to one field: its values (none is an answer, too), or that it cannot be known. */
export type Field = { known: true; values: readonly string[] } | { known: false; why: string };

const known = (...values: (string | undefined)[]): Field => ({
  known: true,
  values: values.filter((value): value is string => value !== undefined && value !== ''),
});

/** A fact that the sensor or the enrichment may lack: absent means unknown. */
function fact(name: string, ...values: (string | undefined)[]): Field {
  const field = known(...values);
  return field.known && field.values.length > 0 ? field : { known: false, why: `${name} is not known` };
}

type Read = (finding: Finding) => Field;

/** The fields that routes name by a short word. */
export const fields = {
  severity: ({ severity }) => known(severity),
  score: ({ score }) => known(String(score)),
  // Detection always says which tool and indicators it saw: none is an answer.
  tool: ({ tool }) => known(tool),
  category: ({ category }) => known(category),
  indicator: ({ indicators }) => known(...indicators.map((indicator) => indicator.id)),
  mitre: ({ mitre }) => known(...mitre),
  sensor: ({ exec }) => known(exec.sensor),
  source: ({ exec }) => known(exec.source),
  cluster: ({ exec }) => fact('the cluster', exec.cluster),
  node: ({ exec }) => fact('the node', exec.node),
  namespace: ({ exec }) => fact('the namespace', exec.pod?.namespace),
  pod: ({ exec }) => fact('the pod', exec.pod?.name),
  workload: ({ exec }) => fact('the workload', exec.pod?.workload),
  workload_kind: ({ exec }) => fact('the kind of workload', exec.pod?.workload_kind),
  service_account: ({ exec }) => fact('the service account', exec.pod?.service_account),
  container: ({ exec }) => fact("the container's name", exec.container?.name),
  container_id: ({ exec }) => fact('the container', exec.container?.id),
  image: ({ exec }) => {
    const { reference, repository, tag, digest } = exec.image ?? {};
    const tagged = repository !== undefined && tag !== undefined ? `${repository}:${tag}` : undefined;
    return fact('the image', reference, repository, tagged, digest);
  },
  registry: ({ exec }) => fact('the registry', exec.image?.registry),
  user: ({ exec }) => fact('the user', exec.process.user),
  binary: ({ exec }) => fact('the path of the program', exec.process.binary, exec.process.exe),
} satisfies Record<string, Read>;
export type FieldName = keyof typeof fields;
export const fieldNames = Object.keys(fields) as FieldName[];

/** Fields that hold labels: a label that is not there is an answer once any of them are known. */
export const labelFields = {
  labels: ({ exec }: Finding) => exec.pod?.labels,
  namespace_labels: ({ exec }: Finding) => exec.pod?.namespace_labels,
  annotations: ({ exec }: Finding) => exec.pod?.annotations,
  image_labels: ({ exec }: Finding) => exec.image?.labels,
};
export type LabelFieldName = keyof typeof labelFields;

/** One label of a finding. */
export function labelOf(name: LabelFieldName, label: string, finding: Finding): Field {
  const labels = labelFields[name](finding);
  if (labels === undefined) return { known: false, why: `the ${name.replace('_', ' ')} are not known` };
  return known(labels[label]);
}

/** The value at a dotted path in the finding, such as `exec.process.uid`; of an array, each of its members. */
export function pathOf(path: string, finding: Finding): Field {
  let value: unknown = finding;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  const values = (Array.isArray(value) ? value : [value]).filter((each) =>
    /string|number|boolean/.test(typeof each),
  );
  if (values.length === 0 && !Array.isArray(value)) return { known: false, why: `${path} is not known` };
  return known(...values.map(String));
}
