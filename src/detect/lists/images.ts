import { words } from '../../lib/words.ts';
/**
 * What images are for, as far as their names tell. Such a name lowers soft verdicts only: it is a claim of
 * whoever built the image.
 */

/** Images that run a network utility for a living: patterns, and the tools or categories that belong there. */
export interface PurposeImages {
  images: readonly string[];
  /** Tool ids or categories. */
  tools: readonly string[];
}

export const purposeImages: readonly PurposeImages[] = [
  {
    images: [
      'curl',
      'curlimages/*',
      'badouralix/curl-*',
      'curl-*',
      'httpie',
      'wget',
      'alpine-curl',
      'appropriate/curl',
      'byrnedo/alpine-curl',
    ],
    tools: ['http'],
  },
  { images: ['cloudflared', 'cloudflared-*'], tools: ['cloudflared', 'dns'] },
  { images: ['chisel', 'chisel-*'], tools: ['chisel'] },
  { images: ['frpc', 'frps', 'frp', 'frp-*'], tools: ['frpc', 'frps'] },
  { images: ['ngrok', 'ngrok-*'], tools: ['ngrok'] },
  {
    images: [
      'gost',
      'wstunnel',
      'bore',
      'rathole',
      'localtunnel*',
      'inlets*',
      'zrok',
      'pagekite',
      'sish',
      'ligolo*',
    ],
    tools: ['tunnel'],
  },
  {
    images: words(`
  tailscale k8s-operator k8s-proxy headscale netbird* nebula zerotier* netmaker wireguard* wg-* wgcf*
  openvpn* gluetun *vpn*
`),
    tools: ['tunnel', 'diag', 'dns', 'http'],
  },
  {
    images: words(`
  tor tor-* *-tor torproxy privoxy* snowflake* microsocks 3proxy dante* shadowsocks* v2ray* xray*
  socks5* *-socks5 tinyproxy* sing-box
`),
    tools: ['tunnel'],
  },
  {
    images: words(`
  stunnel stunnel* autossh* *-tunnel *ssh-tunnel* sshtunnel* ssh-* *-sshd sshd openssh-server jumphost
  bastion* ttyd gotty tmate* upterm
`),
    tools: ['tunnel', 'ssh', 'remote_shell', 'socat'],
  },
  {
    images: ['socat', 'socat-*', '*-socat', 'tcp-proxy', 'docker-socket-proxy', 'port-forward*'],
    tools: ['socat', 'netcat'],
  },
  {
    images: words(`
  sftp *-sftp sftpgo ftp vsftpd pure-ftpd rsync rsync-* *-rsync rsyncd lftp rclone rclone-* restic
  restic-* s5cmd s3cmd aws-cli mc minio-client samba
`),
    tools: ['file_transfer', 'ssh', 'http'],
  },
  {
    images: [
      '*backup*',
      'velero*',
      'stash*',
      'k8up*',
      'kopia',
      'borg*',
      'duplicity',
      'duplicati',
      'pgbackrest',
      'wal-g*',
      'barman*',
      '*-dump',
      'docker-volume-backup',
    ],
    tools: ['file_transfer', 'ssh', 'http'],
  },
  {
    images: words(`
  nmap *-nmap nmap-* masscan zmap zgrab* rustscan naabu nuclei* httpx dnsx katana subfinder
  projectdiscovery/* kube-hunter nikto zap* zaproxy/* owasp/* openvas* greenbone/* gvm* arachni wpscan
  sqlmap sslscan testssl* metasploit* kali* gobuster ffuf trivy*
`),
    tools: ['scanner', 'dns', 'http'],
  },
  {
    images: words(`
  suricata zeek snort* tcpdump tcpdump-* ksniff tshark wireshark* arkime* moloch ntopng packetbeat*
  mitmproxy kubeshark* mizu* retina* ngrep dumpcap security-onion*
`),
    tools: ['sniffer', 'raw'],
  },
  {
    images: words(`
  pihole adguardhome unbound* bind bind9 coredns dnsmasq* powerdns* pdns* knot* technitium* blocky
  dnscrypt* k8s-dns-* node-local-dns nsd external-dns dnsdist* stubby smartdns
`),
    tools: ['dns', 'netcat', 'diag'],
  },
  {
    images: [
      'acme.sh',
      'acme*',
      'certbot*',
      'lego',
      'dehydrated',
      '*ddns*',
      'inadyn',
      'ddclient',
      'cert-manager*',
      'letsencrypt*',
      'swag',
    ],
    tools: ['http', 'dns', 'openssl'],
  },
  {
    images: words(`
  argocd* argo-cd argoproj/* flux* fluxcd/* source-controller git-sync* git alpine-git gitea gitea/*
  gogs forgejo gitlab* gerrit renovate* atlantis weaveworks/* fleet*
`),
    tools: ['ssh'],
  },
  {
    images: [
      'ansible*',
      '*-ansible',
      'awx*',
      'awx-ee',
      'semaphore',
      'semaphoreui/*',
      'rundeck*',
      'stackstorm*',
      'saltstack/*',
      'salt*',
      'oxidized',
      'rancid',
      'napalm*',
    ],
    tools: ['ssh', 'scp', 'sftp', 'sshpass', 'rsync', 'remote_shell', 'file_transfer'],
  },
  {
    images: words(`
  iperf* iperf3* netperf* speedtest* qperf fortio k6 ab wrk* hey vegeta locust jmeter* gatling* siege
`),
    tools: ['diag', 'http', 'raw'],
  },
  {
    images: [
      'yt-dlp*',
      'youtube-dl*',
      'aria2*',
      'ariang*',
      'jdownloader*',
      'transmission*',
      'qbittorrent',
      'metube',
      'pyload*',
      'wallabag',
      'archivebox',
    ],
    tools: ['http'],
  },
  {
    images: [
      'watchtower',
      'healthchecks',
      'docker-autoheal',
      'autoheal',
      '*-healthcheck',
      'wait-for*',
      '*-wait',
      'waitforit',
      'k8s-wait-for',
      'dockerize',
    ],
    tools: ['http', 'netcat', 'dns'],
  },
];

/** Images made to be entered and to diagnose networks. */
export const debugImages: readonly string[] = words(`
  netshoot netshoot-* nicolaka/* network-multitool *-multitool multitool nettools net-tools nettool*
  *-nettools dnsutils *-dnsutils dnstools jessie-dnsutils agnhost busyboxplus* network-utils
  *network-tools* swiss-army-knife doks-debug koolkits* kubectl-debug debug debug-* *-debug debug-tools
  debugger *-debugger toolbox *-toolbox toolbox-* toolkit troubleshoot* *troubleshooting*
  e2e-test-images/* cdebug support-tools fedora-toolbox ubi-tools alpine-tools k8s-tools utils
  admin-tools ops-tools sre-tools dev-tools inspektor-gadget* ephemeral-* swissknife* netutils*
  *-netutils network-tools
`);

/** Images that watch other systems over the network. */
export const monitoringImages: readonly string[] = words(`
  zabbix* zabbix/* telegraf* nagios* *nagios* icinga* icinga2* check-mk* checkmk* sensu* smokeping*
  *blackbox* blackbox-exporter uptime-kuma* netdata* librenms* cacti* observium* munin* gatus*
  statping* centreon* opsview* pandora* zenoss* opennms* monit* collectd* heartbeat* metricbeat*
  prometheus* grafana* alertmanager* victoria* vmagent* vmalert* datadog* datadog/* agent-datadog
  newrelic* newrelic/* dynatrace* dynatrace/* oneagent instana* appdynamics* signalfx* splunk*
  sumologic* logicmonitor* solarwinds* prtg* thousandeyes* catchpoint* kuberhealthy* goldpinger*
  kube-netc* synthetic* *-synthetics pingdom* cloudprober* healthcheck* *-exporter *_exporter
  node-problem-detector* shinken* naemon* nedi* netbox* openobserve* signoz* vector fluent-bit otel*
  opentelemetry-collector* beyla peekaping openstatus* cachet* upptime* phpipam* nav ntp-monitor*
  nedata mtr-exporter* cilium* calico* calico/* node-exporter* kube-state-metrics
`);

/** Images whose containers build, test or deploy. */
export const buildImages: readonly string[] = words(`
  jenkins* jenkins/* inbound-agent jnlp-slave gitlab-runner* gitlab-runner-helper actions-runner*
  actions/* github-runner* *-runner runner-* act_runner act-* catthehacker/* buildkite* buildkite/*
  cimg/* circleci* drone* drone/* woodpecker* woodpeckerci/* concourse* tekton* tektoncd/* kaniko*
  kaniko-project/* executor buildkit* moby/buildkit buildah* teamcity* bamboo* azure-pipelines*
  azp-agent* vsts-agent* codebuild* gocd* go-agent* semaphore-agent* travis* harness* spinnaker*
  earthly* dagger* bazel* maven gradle golang rust sbt android-sdk* devcontainers/* sonar-scanner* dind
  docker-dind build-* *-build *-builder builder *-ci ci-* ci/* */ci/*
`);
