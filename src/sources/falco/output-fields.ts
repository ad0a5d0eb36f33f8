/** Deepest ancestor that is asked of Falco: each level costs four fields in every message. */
export const MAX_ANCESTORS = 5;

/** Output fields that the early test and the process table read from bytes. */
export const earlyFields = [
  'evt.type',
  'evt.res',
  'evt.dir',
  'evt.arg.flags',
  'container.id',
  'proc.pid',
  'proc.pid.ts',
  'proc.ppid',
  'proc.ppid.ts',
  'proc.vpid',
  'proc.exepath',
  'proc.exe',
  'proc.name',
  'proc.exeline',
  'proc.cmdline',
  'proc.args',
  'proc.cwd',
  'user.uid',
  'user.name',
  'proc.pname',
  'proc.pexepath',
  'proc.pcmdline',
  'proc.is_exe_upper_layer',
  'proc.is_exe_from_memfd',
] as const;

/** Output fields that the normalizer reads beside `earlyFields` and the ancestors. */
export const otherFields = [
  'proc.cmdnargs',
  'proc.cmdlenargs',
  'proc.pexe',
  'proc.tty',
  'proc.is_container_healthcheck',
  'proc.is_container_liveness_probe',
  'proc.is_container_readiness_probe',
  'user.loginuid',
  'evt.hostname',
  'container.full_id',
  'container.name',
  'container.type',
  'container.start_ts',
  'container.privileged',
  'container.image',
  'container.image.repository',
  'container.image.tag',
  'container.image.digest',
  'k8s.ns.name',
  'k8s.pod.name',
  'k8s.pod.uid',
  'k8s.pod.labels',
] as const;

/** The four fields of the ancestor at `level`; 1 is the parent, for which Falco has names of its own as well. */
export function ancestorFields(level: number): string[] {
  return ['proc.aname', 'proc.aexe', 'proc.aexepath', 'proc.acmdline', 'proc.apid'].map(
    (name) => `${name}[${level}]`,
  );
}

export type EarlyField = (typeof earlyFields)[number];
