import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { openAccess, runsInPod, serviceAccountFolder } from '../../enrich/kubernetes/access.ts';
import { type Check, type Checkup, ok, skipped, warn } from './check.ts';

/** `Date` has whole seconds, and the answer took a while. */
const tolerance_ms = 2_500;

/**
 * This clock against those that were seen on the way (sensors), and the API server's. Sinks are sent nothing, so
 * theirs is not known. Comes last.
 */
export const clock: Check = {
  id: 'clock',
  async run(checkup) {
    await kubernetesClock(checkup).catch(() => undefined);
    const { clocks } = checkup;
    if (clocks.length === 0) return [skipped('clock', 'no other clock could be seen')];
    return clocks.map(({ of, skew_ms }) => {
      const seconds = (skew_ms / 1000).toFixed(1);
      if (Math.abs(skew_ms) <= tolerance_ms) return ok('clock', `agrees with ${of}`);
      return warn(
        'clock',
        `differs from ${of} by ${seconds} s`,
        'Synchronize the clocks (chrony, systemd-timesyncd): times of findings, and signatures of webhooks, depend on them.',
      );
    });
  },
};

/** `/version` is readable for every account. */
async function kubernetesClock({ config, env, now, timeoutMs, clocks }: Checkup): Promise<void> {
  const { kubernetes } = config.enrich;
  if (kubernetes.mode === 'off') return;
  if (kubernetes.kubeconfig === undefined && !runsInPod({ ...env }, serviceAccountFolder)) return;
  const access = await openAccess({
    config: kubernetes,
    env: { ...env },
    serviceAccount: serviceAccountFolder,
    now,
  });
  const options = await access.options();
  const request = access.server.startsWith('http:') ? plainRequest : secureRequest;
  const date = await new Promise<string>((resolve, reject) => {
    const sent = request(`${access.server}/version`, { ...options, timeout: timeoutMs }, (answer) => {
      answer.resume();
      resolve(answer.headers.date ?? '');
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', reject);
    sent.end();
  });
  if (!Number.isNaN(Date.parse(date))) clocks.push({ of: access.server, skew_ms: Date.parse(date) - now() });
}
