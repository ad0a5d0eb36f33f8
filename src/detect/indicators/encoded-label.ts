import { classifyHost } from '../peers.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Names under which services put hashes. */
const HASHED_HOSTING =
  /\.(?:amazonaws\.com(?:\.cn)?|cloudfront\.net|azure\w*\.(?:net|com)|windows\.net|azmk8s\.io|azureedge\.net|trafficmanager\.net|akamai\w*\.net|edgekey\.net|edgesuite\.net|googleusercontent\.com|googleapis\.com|run\.app|mongodb\.net|snowflakecomputing\.com|herokuapp\.com|vercel\.app|netlify\.app|pages\.dev|workers\.dev|fastly\.net|digitaloceanspaces\.com|ondigitalocean\.app|elastic-cloud\.com|es\.io|confluent\.cloud|in-addr\.arpa|ip6\.arpa|spamhaus\.org|dnsbl\.[a-z.]+|barracudacentral\.org|cdn77\.org|rackcdn\.com|linodeobjects\.com|oraclecloud\.com|aliyuncs\.com|myqcloud\.com|nip\.io|sslip\.io)\.?$/i;

/** Shannon entropy in bits per character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** True if a label looks like data and not like a word: long, hexadecimal, or mixed without a dash. */
export function isEncodedLabel(label: string): boolean {
  if (label.startsWith('_') || label.startsWith('xn--')) return false;
  if (/^[0-9a-f]{8,}$/i.test(label) && /\d/.test(label) && /[a-f]/i.test(label)) return true;
  if (/^\d{10,}$/.test(label)) return true;
  if (/^[0-9a-f]{24,}$/i.test(label)) return true;
  // Names made of words are joined by dashes; data in base32, base64 or hex is not.
  if (label.includes('-')) return label.length >= 40 && entropy(label) > 4;
  if (label.length >= 24) return true;
  if (label.length < 11) return false;
  if (/[A-Z]/.test(label) && /[a-z]/.test(label) && entropy(label) > 3) return true;
  return /\d/.test(label) && entropy(label) > 3.1;
}

/** The encoded label of a name, if it has one; the last two labels are the registered domain. */
export function encodedLabel(name: string): string | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  if (labels.length < 3 || HASHED_HOSTING.test(name)) return undefined;
  return labels.slice(0, -2).find(isEncodedLabel);
}

/** A queried name carries encoded data. */
export const encodedLabelIndicator: Indicator = {
  id: 'encoded_label',
  points: 30,
  hard: false,
  mitre: ['T1048.003', 'T1071.004', 'T1132.001'],
  title: 'Encoded data in a queried name',
  description:
    'A label of the name looks like data: hexadecimal, long, or of high entropy. Pod and host names contain dashes and do not count, nor do names under which cloud services put hashes.',
  evaluate({ invocation, category, targets }) {
    const names = [...invocation.queries.map((query) => query.name)];
    if (category === 'diag' || category === 'dns') names.push(...targets.map((peer) => peer.host ?? ''));
    for (const name of names) {
      const label = encodedLabel(name);
      if (label === undefined || classifyHost(name, 'connect').class === 'internal') continue;
      return {
        evidence: short(name),
        why: `the label ${short(label, 80)} of the name it asks for looks like encoded data`,
        immune: true,
      };
    }
    return undefined;
  },
  examples: {
    fires: [
      { run: 'dig 3q2x7nd93kfj20dk39fj2k3lf9d0sk2l.a1.t.example.net' },
      { run: 'nslookup d0a1b2c3d4e5f607.x.example.net' },
    ],
    silent: [
      { run: 'nslookup web-7d9f8c6b5-x2x4z.ns.svc' },
      { run: 'dig internationalization.example.com' },
      { run: 'nslookup d111111abcdef8.cloudfront.net' },
    ],
  },
};
