/** curl's options, those of newer releases included. */
import { compileGrammar } from './getopt.ts';

export const CURL_GRAMMAR = compileGrammar({
  short: ':#0123466aBfgGiIjJklLMnNOpqRsSvVZA:b:c:C:d:D:e:E:F:h::H:K:m:o:P:Q:r:t:T:u:U:w:x:X:y:Y:z:',
  long: `
    abstract-unix-socket= alt-svc= anyauth append|a aws-sigv4= basic ca-native cacert= capath=
    cert-status cert-type= cert=E ciphers= compressed compressed-ssh config=K connect-timeout=
    connect-to= continue-at=C cookie-jar=c cookie=b create-dirs create-file-mode= crlf crlfile= curves=
    data-ascii= data-binary= data-raw= data-urlencode= data=d delegation= digest disable-eprt
    disable-epsv disable|q disallow-username-in-url dns-interface= dns-ipv4-addr= dns-ipv6-addr=
    dns-servers= doh-cert-status doh-insecure doh-url= dump-ca-embed dump-header=D ech= egd-file=
    engine= etag-compare= etag-save= expand-url= expect100-timeout= fail-early fail-with-body fail|f
    false-start follow form-escape form-string= form=F ftp-account= ftp-alternative-to-user=
    ftp-create-dirs ftp-method= ftp-pasv ftp-port=P ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc
    ftp-ssl-ccc-mode= ftp-ssl-control ftp-ssl-reqd ftp-ssl|ssl get|G globoff|g
    happy-eyeballs-timeout-ms= haproxy-clientip= haproxy-protocol header=H head|I help?h hostpubmd5=
    hostpubsha256= hsts= http0.9 http1.0|0 http1.1 http2 http2-prior-knowledge http3 http3-only
    ignore-content-length include|i insecure|k interface= ip-tos= ipfs-gateway= ipv4|4 ipv6|6 json=
    junk-session-cookies|j keepalive-cnt= keepalive-time= key-type= key= knownhosts= krb= libcurl=
    limit-rate= list-only|l local-port= location-trusted location|L login-options= mail-auth= mail-from=
    mail-rcpt-allowfails mail-rcpt= manual|M max-filesize= max-redirs= max-time=m metalink mptcp
    negotiate netrc-file= netrc-optional netrc|n next|: no-clobber noproxy= ntlm ntlm-wb oauth2-bearer=
    out-null output-dir= output=o parallel-immediate parallel-max-host= parallel-max= parallel|Z pass=
    path-as-is pinnedpubkey= post301 post302 post303 preproxy= progress-bar|# proto-default=
    proto-redir= proto= proxy-anyauth proxy-basic proxy-ca-native proxy-cacert= proxy-capath=
    proxy-cert-type= proxy-cert= proxy-ciphers= proxy-crlfile= proxy-digest proxy-header= proxy-http2
    proxy-insecure proxy-key-type= proxy-key= proxy-negotiate proxy-ntlm proxy-pass= proxy-pinnedpubkey=
    proxy-service-name= proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tls13-ciphers=
    proxy-tlsauthtype= proxy-tlspassword= proxy-tlsuser= proxy-tlsv1 proxy-user=U proxy1.0= proxy=x
    proxytunnel|p pubkey= quote=Q random-file= range=r rate= raw referer=e remote-header-name|J
    remote-name-all remote-name|O remote-time|R remove-on-error request-target= request=X resolve=
    retry-all-errors retry-connrefused retry-delay= retry-max-time= retry= sasl-authzid= sasl-ir
    service-name= show-error|S sigalgs= silent|s skip-existing socks4= socks4a= socks5-basic
    socks5-gssapi socks5-gssapi-nec socks5-gssapi-service= socks5-hostname= socks5= speed-limit=Y
    speed-time=y ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort
    sslv2|2 sslv3|3 stderr= styled-output suppress-connect-headers tcp-fastopen tcp-nodelay
    telnet-option=t tftp-blksize= tftp-no-options time-cond=z tls-earlydata tls-max= tls13-ciphers=
    tlsauthtype= tlspassword= tlsuser= tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tlsv1|1 tr-encoding trace-ascii=
    trace-time trace= unix-socket= upload-file=T upload-flags= url-query= url= use-ascii|B user-agent=A
    user=u variable= verbose|v version|V vlan-priority= write-out=w xattr
    no-buffer|N no-keepalive no-progress-meter no-sessionid no-alpn no-npn`,
});
