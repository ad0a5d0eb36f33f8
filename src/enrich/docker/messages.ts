/** Answers of the Docker Engine API (1.24 to 1.52) and of Podman's copy of it: the fields Lanner reads. */

export interface Version {
  Version: string;
  Components?: { Name: string; Version: string }[];
}

export interface ListedContainer {
  Id: string;
}

export interface Healthcheck {
  /** `["NONE"]`, `["CMD", argv…]`, `["CMD-SHELL", line]`; empty: the image's. */
  Test?: string[] | null;
}

export interface ContainerInspect {
  Id: string;
  Name?: string;
  Path?: string;
  Args?: string[];
  /** Id of the image. */
  Image?: string;
  /** Podman: the image's name. */
  ImageName?: string;
  State?: { Pid?: number; StartedAt?: string; Running?: boolean };
  HostConfig?: {
    NetworkMode?: string;
    PidMode?: string;
    Privileged?: boolean;
    ReadonlyRootfs?: boolean;
    CapAdd?: string[] | null;
    Tmpfs?: Record<string, string> | null;
  };
  Mounts?: { Type?: string; Name?: string; Source?: string; Destination: string; RW?: boolean }[];
  Config?: {
    Image?: string;
    Labels?: Record<string, string> | null;
    Healthcheck?: Healthcheck | null;
    Shell?: string[] | null;
  };
}

export interface ImageInspect {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Created?: string;
  Size?: number;
  Config?: {
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    User?: string;
    Labels?: Record<string, string> | null;
  } | null;
  RootFS?: { Layers?: string[] };
  /** Docker with containerd's image store: what `Id` is the digest of. */
  Descriptor?: { digest?: string };
}

export interface DockerEvent {
  Action?: string;
  Actor?: { ID?: string };
}
