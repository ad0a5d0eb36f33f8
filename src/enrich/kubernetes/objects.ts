/** Objects of the Kubernetes API: the fields Lanner reads. */

export interface OwnerReference {
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
}

export interface Metadata {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

export interface ExecAction {
  exec?: { command?: string[] };
}

export interface ContainerSpec {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  securityContext?: {
    privileged?: boolean;
    readOnlyRootFilesystem?: boolean;
    capabilities?: { add?: string[] };
  };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  livenessProbe?: ExecAction;
  readinessProbe?: ExecAction;
  startupProbe?: ExecAction;
  lifecycle?: { postStart?: ExecAction; preStop?: ExecAction };
}

export interface ContainerStateTimes {
  running?: { startedAt?: string };
  terminated?: { startedAt?: string; containerID?: string };
}

export interface ContainerStatus {
  name: string;
  containerID?: string;
  imageID?: string;
  state?: ContainerStateTimes;
  lastState?: ContainerStateTimes;
}

export interface KubePod {
  metadata?: Metadata;
  spec?: {
    nodeName?: string;
    serviceAccountName?: string;
    hostNetwork?: boolean;
    hostPID?: boolean;
    containers?: ContainerSpec[];
    initContainers?: ContainerSpec[];
    ephemeralContainers?: ContainerSpec[];
    /** Beside the name each has one key, its kind. */
    volumes?: ({ name: string } & Record<string, unknown>)[];
  };
  status?: {
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
    ephemeralContainerStatuses?: ContainerStatus[];
  };
}

export interface PodList {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: KubePod[];
}

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubePod & { code?: number; message?: string };
}
