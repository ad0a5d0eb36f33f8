/** Answers of runtime.v1 as decoded: numbers of 64 bits are decimal texts, enumerations are names. */

export interface VersionResponse {
  runtime_name: string;
  runtime_version: string;
}

export interface ImageSpec {
  image: string;
  user_specified_image: string;
}

export interface CriContainer {
  id: string;
  pod_sandbox_id: string;
  image: ImageSpec | null;
  image_ref: string;
  state: string;
}

export interface CriMount {
  container_path: string;
  host_path: string;
  readonly: boolean;
  image: ImageSpec | null;
}

export interface ContainerStatus {
  id: string;
  metadata: { name: string } | null;
  state: string;
  created_at: string;
  started_at: string;
  image: ImageSpec | null;
  image_ref: string;
  image_id: string;
  labels: Record<string, string>;
  mounts: CriMount[];
}

export interface ContainerStatusResponse {
  status: ContainerStatus | null;
  info: Record<string, string>;
}

export interface PodSandboxStatus {
  id: string;
  metadata: { name: string; uid: string; namespace: string } | null;
  linux: { namespaces: { options: { network: string; pid: string } | null } | null } | null;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface ImageStatusResponse {
  image: { id: string; repo_tags: string[]; repo_digests: string[]; size: string } | null;
  info: Record<string, string>;
}

export interface ContainerEvent {
  container_id: string;
  container_event_type: string;
  pod_sandbox_status: PodSandboxStatus | null;
}

/** The JSON text under `info.info` of a verbose ContainerStatus: containerd writes all of it, CRI-O a part. */
export interface ContainerInfo {
  sandboxID?: string;
  pid?: number;
  /** CRI-O. */
  privileged?: boolean;
  /** containerd: the CreateContainer request, with numbers for enumerations. */
  config?: {
    image?: { image?: string; user_specified_image?: string };
    linux?: {
      security_context?: {
        privileged?: boolean;
        readonly_rootfs?: boolean;
        capabilities?: { add_capabilities?: string[] };
        namespace_options?: { network?: number; pid?: number };
      };
    };
  };
  runtimeSpec?: {
    process?: { args?: string[] };
    root?: { readonly?: boolean };
    mounts?: { destination: string; type?: string; source?: string; options?: string[] }[];
    annotations?: Record<string, string>;
    linux?: { namespaces?: { type: string; path?: string }[] };
  };
}

/** The JSON text under `info.info` of a verbose ImageStatus. */
export interface ImageInfo {
  imageSpec?: {
    created?: string;
    config?: {
      Entrypoint?: string[] | null;
      Cmd?: string[] | null;
      User?: string;
      Labels?: Record<string, string> | null;
    };
    rootfs?: { diff_ids?: string[] };
  };
}

/** The object in the verbose part of an answer; undefined if there is none or it cannot be read. */
export function readInfo<T>(info: Record<string, string>): T | undefined {
  const text = info.info;
  if (text === undefined || text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
