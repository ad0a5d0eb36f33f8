import type { Tool } from './types.ts';

/** Clients and servers of remote shells. */
export const remoteShellTools: readonly Tool[] = [
  {
    id: 'ssh',
    category: 'remote_shell',
    names: ['ssh', 'slogin', 'hpnssh'],
    packages: ['openssh-client', 'openssh-clients', 'openssh-client-default'],
  },
  { id: 'sshpass', category: 'remote_shell', names: ['sshpass'], packages: ['sshpass'], points: 30 },
  {
    id: 'dbclient',
    category: 'remote_shell',
    names: ['dbclient', 'dropbearmulti'],
    packages: ['dropbear-client'],
  },
  { id: 'dropbear', category: 'remote_shell', names: ['dropbear'], packages: ['dropbear'], points: 30 },
  {
    id: 'telnetd',
    category: 'remote_shell',
    names: ['telnetd', 'in.telnetd', 'utelnetd'],
    packages: ['busybox-extras', 'telnetd'],
    mitre: ['T1021'],
    points: 40,
  },
  {
    id: 'rsh',
    category: 'remote_shell',
    names: ['rsh', 'remsh', 'rexec', 'rsh-redone-rsh'],
    packages: ['rsh-client'],
    mitre: ['T1021'],
  },
  { id: 'rlogin', category: 'remote_shell', names: ['rlogin'], packages: ['rsh-client'], mitre: ['T1021'] },
  {
    id: 'plink',
    category: 'remote_shell',
    names: ['plink', 'putty'],
    packages: ['putty-tools'],
  },
  {
    id: 'mosh',
    category: 'remote_shell',
    names: ['mosh', 'mosh-client', 'mosh-server', 'et'],
    ambiguous: true,
  },
  {
    id: 'pssh',
    category: 'remote_shell',
    names: ['pssh', 'parallel-ssh', 'pdsh', 'clusterssh', 'cssh'],
    mitre: ['T1021.004'],
  },
  {
    id: 'evil-winrm',
    category: 'remote_shell',
    names: [
      'evil-winrm',
      'psexec.py',
      'wmiexec.py',
      'smbexec.py',
      'atexec.py',
      'dcomexec.py',
      'impacket-psexec',
      'impacket-wmiexec',
      'impacket-smbexec',
    ],
    mitre: ['T1021'],
    points: 50,
  },
  {
    id: 'gsocket',
    category: 'remote_shell',
    names: ['gsocket', 'gs'],
    mitre: ['T1572', 'T1021'],
    points: 50,
    ambiguous: true,
  },
];
