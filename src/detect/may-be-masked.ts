/** A quick look whether redaction has anything to do: nearly no text holds a secret, and all are looked at. */
import { words } from '../lib/words.ts';

/** What rules need at least, words that stand before a secret, programs whose options hold one. */
const TELLING = words(`
  pass pwd secret token key auth cred cookie bearer basic sig sas digest negotiate
  eyj akia asia aroa aida abia acca ghp_ gho_ ghu_ ghs_ ghr_ github_pat xox xapp npm_ pypi- dckr_ hvs. hvb. hvr. sk_ sk-
  rk_ sg. aiza ya29 dop_v1 shp glc_ whsec :aa webhook hooks. -----begin --user --proxy-user
  curl wget sshpass mysql mariadb redis-cli mongo smb rpcclient iodine gs-netcat dnscat plink putty ldapsearch sqlcmd
  wstunnel cloudflared ngrok tailscale chisel rathole bore ftp
`);
/** The same for what is no plain text. */
const FORMS = [/:\/\/[^\s/]*@/, /gl[a-z]+-/, /-[a-z]*u\s*"?[^\s:]+:/].map(({ source }) => source);

/**
 * Anything that some masking may act on. It has no anchor, so what it does not find in a text it finds in no part of
 * it either. Sorted by first characters, which halves what it costs.
 */
const MAY_BE_MASKED = new RegExp([...byFirst(TELLING), ...FORMS].join('|'), 'i');

function byFirst(texts: readonly string[]): string[] {
  const rests = new Map<string, string[]>();
  for (const text of texts) rests.set(text[0]!, [...(rests.get(text[0]!) ?? []), text.slice(1)]);
  return [...rests].map(([first, all]) => `${first}(?:${all.join('|').replaceAll('.', '\\.')})`);
}

/** False only for a text that no masking changes, nor any part of it. */
export function mayBeMasked(text: string): boolean {
  return MAY_BE_MASKED.test(text);
}
