/**
 * Words of interpreter languages by what they do. Each pattern is linear: no repetition stands inside or beside
 * another one that could match the same text.
 */

/** Opens a socket of its own: a connection that can carry anything. */
export const RAW_SOCKET: readonly RegExp[] = [
  /\bsocket\s{0,4}\.\s{0,4}(?:socket|create_connection|create_server|tcp|udp|connect|bind)\b/,
  /\bfrom\s{1,4}socket\s{1,4}import\b|__import__\(\s{0,4}["']socket["']|\bopen_connection\s{0,4}\(|\basyncio\.start_server\b/,
  /\bIO::Socket\b|\buse\s{1,4}Socket\b|\bsocket\s{0,4}\(\s{0,4}(?:my\s{1,4})?[A-Z$_]|\bSocket::INET\b/,
  /\b(?:TCPSocket|UDPSocket|TCPServer|UDPServer|UNIXSocket|Socket\.tcp|Socket\.new|OpenSSL::SSL::SSLSocket)\b/,
  /\brequire\s{0,4}\(?\s{0,4}["'`](?:node:)?(?:net|tls|dgram|ws)["'`]|\bimport\s{0,4}\(\s{0,4}["'`](?:node:)?(?:net|tls|dgram)["'`]|\bnet\.(?:connect|createConnection|Socket|createServer)\b|\bDeno\.(?:connect|listen)\b|\btcp_wrap\b/,
  /\bp?fsockopen\s{0,4}\(|\bsocket_create\s{0,4}\(|\bstream_socket_(?:client|server)\s{0,4}\(/,
  /\brequire\s{0,4}\(?\s{0,4}["']socket(?:\.core)?["']|\bsocket\.tcp4?\b|\bngx\.socket\b/,
  /\/inet[46]?\/(?:tcp|udp)\//,
  /(?:^|[\s[{;])socket\s{1,4}(?:-server\s{1,4}\S{1,64}\s{1,4}|-async\s{1,4})?[\w.$:-]{1,255}\s{1,4}[\d$]/,
  /\bjava\.net\.(?:Socket|ServerSocket)\b|\bnew\s{1,4}(?:Server)?Socket\s{0,4}\(/,
  /\bsocketConnection\s{0,4}\(|\busing\s{1,4}Sockets\b|\btelnetlib\b|\bsocketserver\b|\bparamiko\b/,
  /\/dev\/(?:tcp|udp)\//,
];

/** Fetches or sends by a protocol's library. */
export const FETCH: readonly RegExp[] = [
  /\burllib\d?\b|\burlopen\b|\burlretrieve\b|\brequests\.(?:get|post|put|patch|delete|head|request|Session)\b|\bhttp\.client\b|\bHTTPS?Connection\b|\bhttpx\.|\baiohttp\b|\bftplib\b|\bsmtplib\b/,
  /\bLWP::|\bHTTP::Tiny\b|\bLWP\b|\bNet::(?:HTTP|FTP|SMTP|DNS|SSH)\b/,
  /\bopen-uri\b|\bURI\.open\b|\bURI\.parse\b|\bURI\s{0,2}\(/,
  /\brequire\s{0,4}\(?\s{0,4}["'`](?:node:)?(?:https?|http2|dns|axios|undici|node-fetch|got)["'`]|\bimport\s{0,4}\(\s{0,4}["'`](?:node:)?https?["'`]|\bfetch\s{0,4}\(|\bXMLHttpRequest\b|\bhttps?\.(?:get|request)\s{0,4}\(/,
  /\bcurl_init\s{0,4}\(|\b(?:file_get_contents|fopen|readfile|copy|file|include|require|include_once|require_once)\s{0,4}\(?\s{0,4}["'](?:https?|ftp):/,
  /\bsocket\.(?:http|smtp|ftp)\b|\bhttp::geturl\b|\bpackage\s{1,4}require\s{1,4}http\b/,
  /\bjava\.net\.URL\b|\bnew\s{1,4}URL\s{0,4}\(|\bopenStream\s{0,4}\(|\bdownload\.file\s{0,4}\(|\burl\s{0,4}\(\s{0,4}["']https?:|\bdownload\s{0,4}\(\s{0,4}["']https?:/i,
];

/** Waits for connections. */
export const SERVE: readonly RegExp[] = [
  /\.\s{0,4}bind\s{0,4}\(|\.\s{0,4}listen\s{0,4}\(|\bListen\s{0,4}=>|\bserve_forever\b|\bstart_server\b|\bcreateServer\b|\bcreate_server\b/,
  /\b(?:TCPServer|UDPServer|HTTPServer|SimpleHTTPServer|ServerSocket|SimpleHTTPRequestHandler|WEBrick)\b|\bhttp\.server\b/,
  /\bstream_socket_server\b|\bsocket_(?:bind|listen)\b|\bsocket\s{1,4}-server\b|\/inet[46]?\/tcp\/[1-9]\d{0,4}\/0\/0|\bDeno\.listen\b/,
];

/** Starts another program. */
export const RUN_PROGRAM: readonly RegExp[] = [
  /\bsubprocess\b|\bos\.(?:system|popen|exec[lv]p?e?|spawn[lv]p?e?|posix_spawn)\b|\bpty\.spawn\b|\bcommands\.getoutput\b/,
  /\b(?:system|popen|proc_open|shell_exec|passthru|pcntl_exec)\s{0,4}[({"'`[]|\bsystem\s{0,4}\$|\bsystem\s{1,4}["'`]|\bqx\s{0,4}[({/|`!]/,
  /\bchild_process\b|\b(?:spawn|execFile|execSync|spawnSync|execFileSync|fork)\s{0,4}\(/,
  /\bIO\.popen\b|\bOpen3\b|\bKernel\.exec\b|\bos\.execute\b|\bio\.popen\b|\bRuntime\.getRuntime\b|\bProcessBuilder\b/,
  /\|&\s{0,4}getline|\|\s{0,4}getline|\bopen\s{0,4}["']?\|/,
];

/** `exec` starts a program in every language but Python, where it runs text. */
export const RUN_EXEC = /(?<![.\w$>])exec(?:ve?)?(?:\s{0,4}[({"'`[]|\s{1,4}(?:[{"'`/$]|sprintf\b))/;

/** Takes a program's output as text. */
export const CAPTURES =
  /\bcheck_output\b|\bgetoutput\b|\bpopen\s{0,4}\(|\bshell_exec\s{0,4}\(|\bqx\s{0,4}[({/|`!]|\bexecSync\s{0,4}\(|\bcapture2e?\b|\bcapture_output\b|[=(]\s{0,4}`[^`]/;

/** Wires descriptors of a connection to a program. */
export const WIRING: readonly RegExp[] = [
  /\bdup2\b|\bpty\.spawn\b|\bfileno\s{0,4}\(|\bset(?:_)?inheritable\b/,
  /\bopen\s{0,4}\(?\s{0,4}STD(?:IN|OUT|ERR)\s{0,4},\s{0,4}["'](?:[<>+&]{1,4})/,
  /<&\s{0,2}[%$\d]|>&\s{0,2}[%$\d]/,
  /\.pipe\s{0,4}\(|\|&\s{0,4}getline|\bstdio\s{0,4}:/,
  /\bfcopy\b|\bfileevent\b|\brecv\s{0,4}\(|\bgetInputStream\b|\bTelnet\b/,
  /\breopen\s{0,4}\(|\bfdopen\s{0,4}\(|\bproc_open\s{0,4}\(|->fdopen\b/,
  /\bgets\b|\breceive\s{0,4}\(|\bsocket_read\b|\bfgets\s{0,4}\(|\bfread\s{0,4}\(/,
];

/** The name or path of a shell as a string. */
export const SHELL_NAME =
  /["'`\s/(](?:ba|da|z|k|a|tc|c|fi)?sh(?:["'`\s,\])]|$)|\bcmd(?:\.exe)?["'`]|\bpowershell\b|\bbusybox\b|\bSHELL\b/;

/** Runs text as code of the language itself. */
export const RUN_TEXT =
  /\bexec\s{0,4}\(|\beval\b|\binstance_eval\b|\bloadstring\s{0,4}\(|\bload\s{0,4}\(|\bcompile\s{0,4}\(|\bnew\s{1,4}Function\b|\bassert\s{0,4}\(\s{0,4}\$|\b(?:include|require)(?:_once)?\s{0,4}\(?\s{0,4}["'](?:https?|ftp|data):|\bsource\s{0,4}\(\s{0,4}url/;

/** Sends what it read. */
export const SEND =
  /\brequests\.(?:post|put|patch)\b|\bdata\s{0,4}=|\bmethod\s{0,4}[:=]\s{0,4}["'](?:POST|PUT|PATCH)|\bPOSTFIELDS\b|\bINFILE\b|\bsendall\s{0,4}\(|\.\s{0,4}send(?:to|file)?\s{0,4}\(|\bstorbinary\b|\bsendmail\b|\bpost_?form\b|\b(?:HTTP|ua)(?:\.|->|::)(?:post|put)\b|\bfwrite\s{0,4}\(|\bsocket_write\b|\.write\s{0,4}\(|\bprint\s{1,4}\$\w{1,32}\s|["']POST\s/i;

/** Takes text apart that is not written plainly. */
export const DECODES =
  /\bb(?:64|32|85|16)decode\b|\bdecode_base64\b|\bbase64_decode\b|\bbase64\b|\batob\s{0,4}\(|\bdecode64\b|\bunpack1?\s{0,4}\(?\s{0,4}["'](?:m|H)|\bfromhex\b|\bunhexlify\b|\bhex2bin\b|\bpack\s{0,4}\(|\bzlib\b|\bgzinflate\b|\bgzuncompress\b|\bmarshal\.loads\b|\bstr_rot13\b|\brot_?13\b|\bfromCharCode\b|\bchr\s{0,4}\(|\bstrrev\b/i;

/** Environment variables taken as a whole. */
export const ENVIRONMENT = /\bos\.environ\b(?!\s{0,2}[.[])|\bprocess\.env\b(?![.[])|\bENV\.to_/;
