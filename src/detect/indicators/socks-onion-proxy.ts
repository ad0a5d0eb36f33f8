import type { Context } from '../context.ts';
import { short } from '../phrases.ts';
import type { Hit, Indicator } from './types.ts';

function found(context: Context): Hit | undefined {
  const { invocation, resolution, category } = context;
  const onion = invocation.peers.find(
    (peer) => peer.host?.endsWith('.onion') || /\.onion(?:[:/]|$)/.test(peer.text),
  );
  if (onion)
    return {
      evidence: short(onion.text),
      why: `its peer is a Tor hidden service (${short(onion.text, 120)})`,
      mitre: ['T1090.003'],
    };
  if (resolution.proxied_by !== undefined)
    return {
      evidence: resolution.proxied_by,
      why: `${resolution.proxied_by} sends its connections through a proxy`,
    };
  const proxyPeer = invocation.peers.find(
    (peer) =>
      peer.role === 'proxy' &&
      (/^socks/.test(peer.scheme ?? '') || /^(?:1080|9050|9150)$/.test(peer.port ?? '')),
  );
  const socks = invocation.redirects.find(
    (entry) => /socks|onion/i.test(entry.option) || /^socks|:(?:1080|9050|9150)\b/i.test(entry.value),
  );
  if (socks || proxyPeer) {
    const text = socks ? `${socks.option} ${socks.value}` : (proxyPeer?.text ?? '');
    return { evidence: short(text), why: `its traffic goes through a SOCKS proxy (${short(text, 120)})` };
  }
  const proxy = category === 'netcat' ? invocation.redirects[0] : undefined;
  if (!proxy) return undefined;
  return {
    points: 10,
    evidence: short(`${proxy.option} ${proxy.value}`),
    why: `its traffic goes through a proxy (${short(proxy.value, 120)})`,
  };
}

/** Hides behind Tor or SOCKS. */
export const socksOnionProxy: Indicator = {
  id: 'socks_onion_proxy',
  points: 35,
  hard: false,
  mitre: ['T1090', 'T1090.003'],
  title: 'Tor, SOCKS or another proxy',
  description:
    'The peer is a .onion name, or the traffic goes through a SOCKS proxy or proxychains; any other proxy option of netcat counts 10.',
  evaluate: found,
  examples: {
    fires: [
      { run: 'nc -X 5 -x 198.51.100.9:1080 internal.example 22' },
      { run: 'curl --socks5-hostname 127.0.0.1:9050 http://abcdefghij.onion/' },
      { run: 'proxychains4 curl http://files.example.com/' },
    ],
    silent: [
      { run: 'curl -x http://proxy.corp.example:3128 https://www.example.com/' },
      { run: 'socat - unix-connect:/run/haproxy.sock' },
    ],
  },
};
