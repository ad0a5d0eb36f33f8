import { z } from 'zod';

const socket = z
  .strictObject({
    socket: z.string().startsWith('/').describe('Path of the unix socket.'),
    type: z
      .enum(['cri', 'docker'])
      .optional()
      .describe(
        'What speaks there: cri (containerd, CRI-O) or docker (Docker, Podman). By its name if absent.',
      ),
  })
  .describe('One runtime socket.');

const patterns = (description: string, defaults: string[]) =>
  z.array(z.string().min(1)).default(defaults).describe(`${description} A trailing * stands for any ending.`);

const kubernetesSchema = z
  .strictObject({
    mode: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe('auto asks the API server if Lanner runs in a pod or a kubeconfig is given.'),
    kubeconfig: z
      .string()
      .optional()
      .describe('Path of a kubeconfig; absent: the service account of the pod.'),
    context: z.string().optional().describe('Context of the kubeconfig; absent: its current one.'),
    nodes: z
      .enum(['this', 'all'])
      .default('this')
      .describe('Pods of this node only, or of all nodes (for one Lanner that reads many sensors).'),
    node_name: z
      .string()
      .optional()
      .describe('Name of this node; absent: the environment variable NODE_NAME.'),
    cluster: z.string().optional().describe('Name of the cluster, written on every finding.'),
    labels: patterns('Pod labels put on findings.', [
      'app',
      'app.kubernetes.io/*',
      'k8s-app',
      'team',
      'tier',
      'env',
      'version',
    ]),
    annotations: patterns('Pod annotations put on findings.', []),
    namespace_labels: patterns('Namespace labels put on findings.', [
      'kubernetes.io/metadata.name',
      'pod-security.kubernetes.io/*',
      'team',
      'env',
    ]),
  })
  .prefault({})
  .describe('The Kubernetes API server: pods, their owners and namespaces. Needs read access only.');

const cacheSchema = z
  .strictObject({
    containers: z
      .number()
      .int()
      .min(16)
      .max(1_000_000)
      .default(4096)
      .describe('Containers remembered at most.'),
    images: z.number().int().min(16).max(1_000_000).default(1024).describe('Images remembered at most.'),
    gone_secs: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(600)
      .describe('How long the facts of a container outlive it.'),
    negative_ms: z
      .number()
      .int()
      .min(0)
      .max(600_000)
      .default(5000)
      .describe('How long an answer without facts counts before it is asked again.'),
  })
  .prefault({})
  .describe('Bounds of what enrichment remembers.');

const breakerSchema = z
  .strictObject({
    failures: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(3)
      .describe('Failed or late lookups in a row after which a runtime is left alone.'),
    open_ms: z
      .number()
      .int()
      .min(10)
      .max(600_000)
      .default(2000)
      .describe('For how long at first; doubles up to open_max_ms while it stays bad.'),
    open_max_ms: z.number().int().min(10).max(3_600_000).default(60_000).describe('For how long at most.'),
  })
  .prefault({})
  .describe('When a runtime is slow or fails.');

/**
 * Section `enrich`. Sockets of runtimes are root on the node: inside Kubernetes `runtimes: auto` does not
 * touch them, they have to be listed.
 */
export const enrichSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: findings carry only what the sensor tells.'),
    runtimes: z
      .union([z.enum(['auto', 'off']), z.array(z.union([z.string().startsWith('/'), socket])).min(1)])
      .default('auto')
      .describe(
        'Container runtimes to ask: auto looks in the usual places, except when the Kubernetes API is asked; ' +
          'a list names sockets. A mounted runtime socket is root on the node.',
      ),
    kubernetes: kubernetesSchema,
    deadline_ms: z
      .number()
      .int()
      .min(1)
      .max(60_000)
      .default(500)
      .describe('A finding waits this long for its facts, counted from when they were first asked for.'),
    lookup_timeout_ms: z
      .number()
      .int()
      .min(1)
      .max(600_000)
      .default(15_000)
      .describe(
        'A lookup goes on this long behind the deadline, so that late answers still serve later findings.',
      ),
    follow_up_secs: z
      .number()
      .int()
      .min(0)
      .max(3600)
      .default(30)
      .describe(
        'A finding sent with unknown facts is sent again with them if they come within this time; 0: not.',
      ),
    poll_secs: z
      .number()
      .min(0.05)
      .max(3600)
      .default(5)
      .describe(
        'How often a runtime without an event stream is asked for new containers; backs off when idle.',
      ),
    events: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe(
        'Event stream of CRI runtimes. auto leaves it to the kubelet on containerd before 2.0, which serves one ' +
          'reader only.',
      ),
    max_lookups: z.number().int().min(1).max(1000).default(8).describe('Lookups at a time for each runtime.'),
    max_waiting: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(512)
      .describe(
        'Lookups that wait for their turn, for each runtime; more are not made. Those that look ahead are ' +
          'counted apart and come after those of findings.',
      ),
    cache: cacheSchema,
    breaker: breakerSchema,
  })
  .prefault({})
  .describe('Image, container and pod facts that the sensor leaves out.');

export type EnrichConfig = z.infer<typeof enrichSchema>;
