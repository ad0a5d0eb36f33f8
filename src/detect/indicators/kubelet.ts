import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Talks to a kubelet. */
export const kubelet: Indicator = {
  id: 'kubelet',
  points: 35,
  hard: false,
  mitre: ['T1613', 'T1609'],
  title: 'Kubelet API',
  description:
    'A kubelet (10250, 10255) is asked; with /run, /exec or /attach it runs commands in other pods, which is hard.',
  in_strings: true,
  evaluate({ invocation, category }) {
    if (category !== 'http' && category !== 'interpreter_net') return undefined;
    const peer = invocation.peers.find((entry) => entry.port === '10250' || entry.port === '10255');
    if (!peer) return undefined;
    const path = peer.path ?? '';
    if (/^\/(?:healthz|metrics|stats\/summary)/.test(path))
      return {
        points: 15,
        evidence: short(peer.text),
        why: `it asks a kubelet for its state (${short(peer.text, 160)})`,
      };
    const runs = /^\/(?:run|exec|attach|cri|portForward)\//i.test(path);
    return {
      ...(runs ? { points: 60, hard: true } : {}),
      evidence: short(peer.text),
      why: runs
        ? `it lets a kubelet run a command in another pod (${short(peer.text, 160)})`
        : `it asks a kubelet (${short(peer.text, 160)})`,
    };
  },
  examples: {
    fires: [
      { run: 'curl -sk https://10.0.3.7:10250/pods' },
      { run: 'curl -sk https://10.0.3.7:10250/run/kube-system/etcd-cp1/etcd -d cmd=id' },
    ],
    silent: [{ run: 'curl -sk https://10.0.3.7:443/pods' }, { run: 'nc -z 10.0.3.7 10250' }],
  },
};
