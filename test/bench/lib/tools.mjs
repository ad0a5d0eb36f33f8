/** The names a bare client looks for; what Lanner's taxonomy knows beyond them costs it nothing here. */
export const toolNames = new Set(['nc', 'ncat', 'netcat', 'socat', 'curl', 'wget', 'nmap', 'masscan', 'telnet', 'ssh', 'scp', 'sftp', 'ftp', 'tftp', 'dig', 'nslookup', 'host', 'tcpdump', 'tshark', 'rsync', 'openssl']);
