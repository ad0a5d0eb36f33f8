/** Names of DNS record types and classes as they stand in arguments. */

const TYPES = new Set(
  `A AAAA AFSDB ANY APL AXFR CAA CDNSKEY CDS CERT CNAME CSYNC DHCID DLV DNAME DNSKEY DS EUI48 EUI64 HINFO HIP
  HTTPS IPSECKEY ISDN IXFR KEY KX LOC LP MAILA MAILB MB MD MF MG MINFO MR MX NAPTR NID NINFO NS NSAP NSEC NSEC3
  NSEC3PARAM NULL NXT OPENPGPKEY OPT PTR PX RKEY RP RRSIG RT SIG SINK SMIMEA SOA SPF SRV SSHFP SVCB TA TALINK
  TKEY TLSA TSIG TXT UID UINFO UNSPEC URI WKS X25 ZONEMD`.split(/\s+/),
);

const CLASSES = new Set(['IN', 'CH', 'HS', 'CHAOS', 'HESIOD', 'CLASS1', 'CLASS3', 'CLASS4']);

/** The type's upper-case name without the serial of `ixfr=N`; undefined if it is none. */
export function recordType(text: string): string | undefined {
  if (text.length > 24) return undefined;
  const upper = text.toUpperCase();
  if (/^IXFR=\d+$/.test(upper)) return 'IXFR';
  if (/^TYPE\d{1,5}$/.test(upper)) return upper === 'TYPE10' ? 'NULL' : upper === 'TYPE16' ? 'TXT' : upper;
  return TYPES.has(upper) ? upper : undefined;
}

export function isRecordClass(text: string): boolean {
  return text.length < 16 && CLASSES.has(text.toUpperCase());
}
