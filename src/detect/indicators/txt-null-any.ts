import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const ORDINARY_TXT =
  /^(?:_acme-challenge|_dmarc|_domainkey|_grpc_config|_mta-sts|_smtp\._tls|_atproto|_dnsaddr|_github-|_dnsauth|_spf|whoami|o-o\.myaddr|version\.bind|hostname\.bind|id\.server)|\._domainkey\.|^(?:debug\.opendns|txt\.badguys)/i;

/** Record types that carry much data. */
export const txtNullAny: Indicator = {
  id: 'txt_null_any',
  points: 20,
  hard: false,
  mitre: ['T1071.004', 'T1048.003'],
  title: 'TXT, NULL or ANY query, wildcard services',
  description:
    'TXT and NULL records carry commands and data of DNS channels (20); ANY and the wildcard SRV names of a cluster list what exists (10). _acme-challenge, _dmarc, _domainkey and _grpc_config do not count.',
  evaluate({ invocation }) {
    for (const query of invocation.queries) {
      const evidence = `${query.type} ${short(query.name)}`;
      if (/^(?:TXT|NULL|TYPE10|TYPE16|PRIVATE|TYPE65399)$/.test(query.type)) {
        if (ORDINARY_TXT.test(query.name)) continue;
        return {
          evidence,
          why: `it asks for ${query.type} records of ${short(query.name, 120)}, which carry data of DNS channels`,
        };
      }
      const wildcard = /(?:^|\.)(?:any|\*)\./.test(query.name) && /cluster\.local|\.svc/.test(query.name);
      if (query.type === 'ANY' || query.type === '*' || wildcard) {
        return {
          points: 10,
          evidence,
          why: `it asks for everything under ${short(query.name, 120)} (${query.type})`,
        };
      }
    }
    return undefined;
  },
  examples: {
    fires: [
      { run: 'nslookup -type=TXT stage2.c2.example.net' },
      { run: 'dig +noall +answer SRV any.any.svc.cluster.local' },
      { run: 'dig example.com any' },
    ],
    silent: [{ run: 'dig +short TXT _acme-challenge.example.com' }, { run: 'dig example.com' }],
  },
};
