/** wget's options: GNU wget 1.x with wget2's additions, and busybox's smaller set. */
import { compileGrammar } from './getopt.ts';

/** `-n` takes a letter (`-nv`, `-nc`), so it counts as an option with a value. */
export const WGET_GRAMMAR = compileGrammar({
  short: '46bcdEFhHkKLmNpqrSvVxa:A:B:D:e:i:I:l:n:o:O:P:Q:R:t:T:U:w:X:Y:',
  long: `
    version|V help|h background|b execute=e output-file=o append-output=a debug|d quiet|q verbose|v
    no-verbose report-speed= input-file=i force-html|F base=B config= no-config rejected-log= tries=t
    retry-connrefused retry-on-http-error= output-document=O no-clobber no-netrc continue|c start-pos=
    progress= show-progress timestamping|N no-if-modified-since server-response|S spider timeout=T
    dns-timeout= connect-timeout= read-timeout= wait=w waitretry= random-wait no-proxy quota=Q
    bind-address= limit-rate= no-dns-cache restrict-file-names= ignore-case inet4-only|4 inet6-only|6
    prefer-family= user= password= ask-password use-askpass= no-iri local-encoding= remote-encoding=
    unlink xattr no-directories force-directories|x no-host-directories protocol-directories
    directory-prefix=P cut-dirs= http-user= http-password= http-passwd= no-cache default-page=
    adjust-extension|E html-extension|E ignore-length header= compression= max-redirect= proxy-user=
    proxy-password= proxy-passwd= referer= save-headers user-agent=U no-http-keep-alive no-cookies
    load-cookies= save-cookies= keep-session-cookies post-data= post-file= method= body-data= body-file=
    content-disposition content-on-error auth-no-challenge secure-protocol= https-only
    no-check-certificate certificate= certificate-type= private-key= private-key-type= ca-certificate=
    ca-directory= crl-file= pinnedpubkey= ciphers= no-hsts hsts-file= ftp-user= ftp-password=
    no-remove-listing no-glob no-passive-ftp preserve-permissions retr-symlinks ftps-implicit
    ftps-resume-ssl ftps-clear-data-connection ftps-fallback-to-ftp warc-file= warc-header=
    warc-max-size= warc-cdx warc-dedup= no-warc-compression no-warc-digests no-warc-keep-log
    warc-tempdir= recursive|r level=l delete-after convert-links|k convert-file-only backups?
    backup-converted|K mirror|m page-requisites|p strict-comments accept=A reject=R accept-regex=
    reject-regex= regex-type= domains=D exclude-domains= follow-ftp follow-tags= ignore-tags=
    span-hosts|H relative|L include-directories=I trust-server-names exclude-directories=X no-parent
    input-metalink= metalink-index= metalink-over-http preferred-location= dns-servers= bind-dns-address=
    egd-file= random-file= choose-config= proxy? check-certificate? hsts http-proxy= https-proxy=
    max-threads= chunk-size= http2 dns-cache-preload= tls-session-file= use-server-timestamps proxy-user=`,
});

export const BUSYBOX_WGET_GRAMMAR = compileGrammar({
  short: 'cqSbhO:o:P:U:T:t:Y:n:',
  long: `continue|c quiet|q server-response|S background|b spider output-document=O output-file=o
    directory-prefix=P user-agent=U timeout=T tries=t proxy=Y header= post-data= post-file=
    no-check-certificate no-clobber no-host-directories no-directories no-parent passive-ftp help|h`,
});
