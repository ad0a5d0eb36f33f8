/** What a responder does next, in order, with commands ready to paste. Nothing here is ever executed by us. */
import { movedBy } from '../lib/time.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { IndicatorHit, TriageStep } from '../model/finding.ts';
import type { Context } from './context.ts';
import { categoryEntries } from './tools/index.ts';

/** Quotes a word for a POSIX shell. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Names of an event as they stand in commands. */
interface Where {
  /** `kubectl -n NAMESPACE`, and the pod's name; absent outside Kubernetes. */
  pod: { kubectl: string; name: string; namespace: string } | undefined;
  /** ` -c NAME`, or nothing. */
  of: string;
  container: string;
}

function whereOf({ pod, container }: ExecEvent): Where {
  return {
    pod: pod && {
      kubectl: `kubectl -n ${quote(pod.namespace)}`,
      name: quote(pod.name),
      namespace: pod.namespace,
    },
    of: container?.name === undefined ? '' : ` -c ${quote(container.name)}`,
    container: quote(container?.id ?? ''),
  };
}

/** The steps that the tool and the indicators ask for, whatever exec it is. */
export function specificSteps(context: Context, hits: readonly IndicatorHit[]): TriageStep[] {
  const ids = new Set(hits.map((hit) => hit.id));
  const category = categoryEntries[context.category as keyof typeof categoryEntries];
  const texts = [...(context.tool.next ?? []), ...byIndicator(ids), ...(category?.next ?? [])];
  return texts.map((text) => ({ text }));
}

/** The steps for one finding: first what holds for all, then `specific`, then what secures and ends it. */
export function triage(event: ExecEvent, context: Context, specific: readonly TriageStep[]): TriageStep[] {
  const where = whereOf(event);
  const steps = [expected(where), audit(event, where), ancestors(event, context), look(event, where)];
  for (const one of specific) steps.push(one);
  evidence(steps, event, context, where);
  isolate(steps, event, where);
  return steps;
}

function step(text: string, command?: string): TriageStep {
  return command === undefined ? { text } : { text, command };
}

function expected({ pod, container }: Where): TriageStep {
  const text =
    'Decide whether it is expected: a deployment, a job or a debug session of a colleague at that time.';
  return step(text, pod ? `${pod.kubectl} describe pod ${pod.name}` : `docker inspect ${container}`);
}

function audit(event: ExecEvent, { pod, container }: Where): TriageStep {
  const { process } = event;
  if (!pod)
    return step(
      'Find who entered the container around the time.',
      `docker events --since ${quote(around(event, -15))} --until ${quote(around(event, 5))} --filter container=${container}`,
    );
  const entered = process.in_init_tree === false || process.tty === true;
  const text = entered
    ? 'It was entered from outside: find who, in the API server’s audit log (verb create, subresource pods/exec) at that time.'
    : 'Name the workload, its image digest and its service account; look for pods/exec entries in the audit log at that time.';
  return step(
    text,
    `${pod.kubectl} get events --field-selector involvedObject.name=${pod.name} --sort-by=.lastTimestamp`,
  );
}

function ancestors(event: ExecEvent, context: Context): TriageStep {
  // The chain is the beginning of the event's ancestors.
  const chain = context.chain.map(({ name }, at) => {
    const pid = event.ancestors[at]?.pid;
    return pid === undefined ? name : `${name} (pid ${pid})`;
  });
  const path =
    chain.length === 0 ? 'it was started from outside the container' : `upwards: ${chain.join(' < ')}`;
  return step(
    `Read the ancestors from the tool upwards (${path}); the first unexpected process or file is the way in.`,
  );
}

function look(event: ExecEvent, { pod, of, container }: Where): TriageStep {
  const since = quote(around(event, -15));
  const text =
    'Look 15 minutes before and after for other signals in this container and node: shells below servers, dropped files, package installs, new outbound peers.';
  if (!pod) return step(text, `docker logs --timestamps --since ${since} ${container}`);
  return step(text, `${pod.kubectl} logs ${pod.name}${of} --timestamps --since-time=${since}`);
}

function byIndicator(ids: ReadonlySet<string>): string[] {
  const steps: string[] = [];
  if (ids.has('runtime_socket') || ids.has('namespace_entry') || ids.has('kubelet')) {
    steps.push(
      'Assume the node is compromised: list containers that were created since, cordon the node, and rotate what its kubelet and pods could read.',
    );
  }
  if (ids.has('cloud_creds')) {
    steps.push(
      'Revoke the sessions of the instance role, look in the cloud’s audit trail for their use from elsewhere, and limit the metadata service (IMDSv2, hop limit 1).',
    );
  }
  if (ids.has('kube_api'))
    steps.push('Look in the API server’s audit log for what this service account did, and rotate its token.');
  if (ids.has('upload') || ids.has('sensitive_file') || ids.has('cmd_output_in_request')) {
    steps.push(
      'Find which file left and how much (flow logs); classify the data and rotate every secret in it.',
    );
  }
  if (ids.has('exec_on_socket') || ids.has('revshell_string') || ids.has('inline_revshell')) {
    steps.push(
      'Somebody may sit at the other end right now: cut the connection before anything else, then read what the shell’s children did.',
    );
  }
  if (ids.has('server_ancestor'))
    steps.push(
      'Find the request that led here in the server’s access log at that time, and the hole it went through.',
    );
  if (ids.has('encoded_label') || ids.has('txt_null_any'))
    steps.push(
      'Treat the queries as data: collect all names below the same domain, put the labels together and decode them.',
    );
  return steps;
}

function evidence(steps: TriageStep[], event: ExecEvent, context: Context, where: Where): void {
  const { container, pod } = event;
  const suspicious = context.files.find((file) =>
    file.location.classes.some((name) => name !== 'memfd' && name !== 'descriptor' && name !== 'deleted'),
  );
  if (suspicious && where.pod)
    steps.push(
      step(
        'Take the executed file out of the container and hash it.',
        `${where.pod.kubectl} exec ${where.pod.name}${where.of} -- cat ${quote(suspicious.location.path)} | sha256sum`,
      ),
    );
  if (!container) return;
  const isDocker = container.runtime === 'docker' || (!pod && container.runtime === undefined);
  steps.push(
    step(
      `See what runs in the container now${event.node === undefined ? '' : ` (on node ${event.node})`}.`,
      isDocker
        ? `docker top ${where.container} -eo pid,ppid,user,lstart,args`
        : `crictl inspect ${where.container}`,
    ),
  );
}

function isolate(steps: TriageStep[], event: ExecEvent, { pod, container }: Where): void {
  if (!pod) {
    steps.push(
      step(
        'If it is not expected: cut the container off its networks, keep it for evidence, then rotate its secrets.',
        `docker pause ${container}`,
      ),
    );
    return;
  }
  steps.push(
    step(
      'If it is not expected: mark the pod, so that the policy below holds for it alone.',
      `${pod.kubectl} label pod ${pod.name} lanner-quarantine=true --overwrite`,
    ),
    step(
      'Deny it all traffic. Keep the pod for evidence, capture file system and memory, then rotate its secrets.',
      `kubectl apply -f - <<'EOF'\n${denyAll(pod.namespace, event.pod?.name ?? '')}EOF`,
    ),
  );
}

/** A NetworkPolicy that takes all traffic from the pods with the quarantine label in this namespace. */
function denyAll(namespace: string, pod: string): string {
  const plain = `lanner-quarantine-${pod}`.slice(0, 253);
  const name = /^[a-z0-9.-]*[a-z0-9]$/.test(plain)
    ? plain
    : plain.replace(/[^a-z0-9.-]/g, '-').replace(/[.-]+$/, '');
  return [
    'apiVersion: networking.k8s.io/v1',
    'kind: NetworkPolicy',
    'metadata:',
    `  name: ${JSON.stringify(name)}`,
    `  namespace: ${JSON.stringify(namespace)}`,
    'spec:',
    '  podSelector:',
    '    matchLabels:',
    '      lanner-quarantine: "true"',
    '  policyTypes: [Ingress, Egress]',
    '',
  ].join('\n');
}

/** The event's time moved by minutes, as RFC 3339 to the second. */
function around(event: ExecEvent, minutes: number): string {
  return movedBy(event.time, minutes * 60);
}
