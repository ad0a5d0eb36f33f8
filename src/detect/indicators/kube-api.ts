import type { Context } from '../context.ts';
import type { Peer } from '../invocation.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const API_HOST =
  /^(?:kubernetes(?:\.default(?:\.svc(?:\.[a-z0-9.-]+)?)?)?|10\.96\.0\.1|10\.43\.0\.1|10\.0\.0\.1|172\.20\.0\.1|10\.100\.0\.1|kubernetes\.docker\.internal)$/;
const HEALTH = /^\/(?:healthz|readyz|livez|version|metrics|openid\/v1\/jwks|\.well-known\/)/;
const POWERFUL =
  /\/secrets\b|\/serviceaccounts\/[^/]+\/token|\/(?:exec|attach|portforward|proxy)\b|(?:cluster)?role(?:binding)?s\b|selfsubject(?:access|rules)reviews|certificatesigningrequests/;

function apiPeer(context: Context): Peer | undefined {
  return context.invocation.peers.find((peer) => {
    const host = peer.host ?? '';
    if (API_HOST.test(host)) return peer.port === undefined || /^(?:443|6443|8443|80|8080)$/.test(peer.port);
    if (/KUBERNETES_(?:SERVICE_HOST|PORT)/.test(peer.text)) return true;
    return (
      peer.port === '6443' ||
      (peer.class === 'internal' &&
        /^\/(?:api\/v1|apis\/[a-z0-9.]+\/v\d\w*)\/namespaces(?:\/|$)/.test(peer.path ?? ''))
    );
  });
}

/** Talks to the Kubernetes API. */
export const kubeApi: Indicator = {
  id: 'kube_api',
  points: 25,
  hard: false,
  mitre: ['T1613', 'T1552.007'],
  title: 'Kubernetes API',
  description:
    'An HTTP client asks the API server of the cluster; secrets, tokens, exec, roles and creating pods count 25 more. Health endpoints count little.',
  evaluate(context) {
    if (context.category !== 'http' && context.category !== 'interpreter_net') return undefined;
    const peer = apiPeer(context);
    if (!peer) return undefined;
    const path = peer.path ?? '';
    const { method } = context.invocation;
    const creates = method === 'POST' && /\/(?:pods|deployments|daemonsets|jobs|cronjobs)\b/.test(path);
    const powerful = POWERFUL.test(path) || creates;
    const points = powerful ? 50 : HEALTH.test(path) ? 5 : 25;
    return {
      points,
      evidence: short(peer.text),
      why: `it calls the Kubernetes API${powerful ? ' for secrets, rights or new pods' : ''} (${short(peer.text, 160)})`,
      ...(/\/secrets\b|token/.test(path) ? { mitre: ['T1552.007', 'T1528'] } : {}),
    };
  },
  examples: {
    fires: [
      {
        run: 'curl -sk -H "Authorization: Bearer x" https://kubernetes.default.svc/api/v1/namespaces/kube-system/secrets',
      },
      { run: 'curl -k https://10.96.0.1/api/v1/pods' },
    ],
    silent: [{ run: 'nslookup kubernetes.default' }, { run: 'curl -s https://kubernetes.io/docs/' }],
  },
};
