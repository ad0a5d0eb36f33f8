import { words } from '../../lib/words.ts';

/** Places of files, as data. Globs are tested on normalized absolute paths. */

/** Everyone, or every process of the container, may write here; image files do not live here. */
export const worldWritable: readonly string[] = words(`
  /tmp/** /var/tmp/** /dev/** /run/** /var/run/** /var/lock/** /mnt/** /media/** /var/log/** /var/spool/**
  /var/crash/** /lost+found/** /proc/** /sys/** /usr/tmp/** /var/mail/**
`);

/** Mount points: a file there came with a volume, which is weaker than what anybody dropped into /tmp. */
export const mountRoots: readonly string[] = words('/mnt/** /media/**');

/** Documents of web servers, and where uploads land. */
export const webRoots: readonly string[] = words(`
  /var/www/** /srv/www/** /srv/http/** /srv/htdocs/** /usr/share/nginx/html/** /usr/local/apache2/htdocs/**
  /usr/local/apache2/cgi-bin/** /usr/lib/cgi-bin/** /usr/local/openresty/nginx/html/** /opt/bitnami/*/htdocs/**
  /opt/lampp/htdocs/** /usr/share/httpd/** /var/lib/nginx/html/** /inetpub/** /bitnami/wordpress/**
  **/wp-content/** **/webapps/** **/public_html/** **/htdocs/** **/wwwroot/** /usr/share/caddy/** /app/public/**
`);

/** Where uploads land: even a script of the server's own language is suspicious here. */
export const uploadRoots: readonly string[] = words(`
  **/uploads/** **/upload/** **/wp-content/uploads/** **/user_uploads/** **/userfiles/** **/attachments/** **/media/uploads/**
  **/sites/default/files/** **/filestore/** **/public/files/** **/uploaded/**
`);

/** Usual mount points of emptyDir volumes, for sensors that cannot tell mounts. */
export const volumeRoots: readonly string[] = words(`
  /scratch/** /work/** /shared/** /share/** /shared-data/** /vol/** /volume/** /volumes/** /pvc/** /emptydir/** /empty-dir/** /nfs/**
  /tmpfs/** /ramdisk/** /cache/** /spool/** /transfer/** /exchange/** /incoming/** /dropbox/**
`);

/** Where images and package managers keep programs. */
export const programRoots: readonly string[] = words(`
  /bin/* /sbin/* /usr/** /opt/** /nix/** /gnu/** /snap/** /lib/** /lib64/** /libexec/** /app/** /apps/** /srv/** /go/bin/*
  /home/*/.local/** /root/.local/** /home/*/bin/* /root/bin/* /home/*/go/bin/* /root/go/bin/* /root/.cargo/bin/* /home/*/.cargo/bin/*
  /home/linuxbrew/** /kaniko/** /busybox/** /tekton/** /ko-app/* /cnb/** /layers/** /workspace/** /builds/** /conda/** /miniconda/**
  /miniconda3/** /anaconda3/** /venv/** /env/bin/* /.venv/** /entrypoint/** /docker/** /rancher/** /tools/** /toolbox/** /sw/**
  /bitnami/** /host/** /rootfs/** /system/bin/* /system/xbin/* /vendor/bin/* /cloudflared /usr-local/**
`);

/** Directories whose name starts with a dot and that are nothing special. */
export const ordinaryHidden: ReadonlySet<string> = new Set(
  words(`
    .nvm .rbenv .pyenv .rvm .goenv .nodenv .jenv .phpenv .cargo .rustup .local .config .cache .acme.sh .vscode-server
    .vscode-server-insiders .cursor-server .windsurf-server .vscode-remote .vscode .ollama .npm .npm-global .npm-packages .pnpm .pnpm-store .yarn
    .volta .bun .deno .asdf .mise .sdkman .jabba .m2 .gradle .ivy2 .sbt .coursier .konan .gem .bundle .composer .dotnet .nuget .nix-profile
    .nix-defexpr .linuxbrew .conda .mamba .micromamba .venv .virtualenvs .env .poetry .pipx .tox .nox .pytest_cache .eggs .hatch .uv .krew .kube .helm
    .docker .terraform .terraform.d .tfenv .tgenv .ansible .jenkins .buildkite-agent .circleci .github .gitlab .git .husky .pre-commit .s6-svscan
    .oh-my-zsh .zsh .zplug .fzf .vim .emacs.d .jupyter .ipython .julia .opam .stack .ghcup .cabal .mix .hex .elixir-ls .foundry .solana
    .platformio .android .expo .meteor .wasmer .wasmtime .krux .arkade .claude .codex .opencode .aider .coder .devcontainer .devbox .direnv .flox
    .runner .runtime .built .bin .node_modules .next .nuxt .output .pnp .theia .jetbrains .idea .intellij .sonar .maven .mvn .wine .steam
    .well-known ..data
  `),
);

/** Paths that look suspicious and are normal where the image or an ancestor agrees. */
export interface ExpectedPlace {
  paths: readonly string[];
  /** Image patterns that agree. */
  images?: readonly string[];
  /** Program, script or module names of an ancestor (or of the process itself) that agree. */
  ancestors?: readonly string[];
  /** Words in a java ancestor's arguments that agree. */
  java?: RegExp;
  /** What is said in the finding. */
  what: string;
}

export const expectedPlaces: readonly ExpectedPlace[] = [
  {
    paths: ['/tmp/go-build*/**', '/tmp/go-test*/**', '/root/.cache/go-build/**'],
    images: ['golang', 'golang-*', 'go', 'go-*', '*-go'],
    ancestors: ['go', 'dlv', 'gotestsum', 'ginkgo', 'air', 'gopls', 'reflex'],
    what: 'a program that go built for a test run',
  },
  {
    paths: words(`
      /tmp/jenkins[0-9]*.sh /tmp/jenkins[0-9]*.py /tmp/hudson[0-9]*.sh /tmp/jenkins[0-9]*/** **/*@tmp/durable-*/script.sh* **/*@tmp/durable-*/*
      /tmp/jenkins-remoting/** /tmp/winstone*.jar /tmp/hudson*/**
    `),
    images: ['jenkins*', 'jenkins/*', 'inbound-agent', 'jnlp-*', '*jenkins*'],
    java: /jenkins|agent\.jar|slave\.jar|remoting|swarm-client|hudson\./,
    what: "a Jenkins build step's script",
  },
  {
    paths: ['/tekton/**', '/workspace/**', '/var/run/tekton/**'],
    ancestors: ['entrypoint', 'tekton-entrypoint'],
    what: "a Tekton step's script",
  },
  {
    paths: ['/var/run/argo/**', '/run/argo/**', '/argo/**', '/tmp/argo*/**'],
    ancestors: ['argoexec'],
    what: 'the executor of Argo Workflows',
  },
  {
    paths: words('**/_work/_temp/** **/_temp/*.sh **/_work/** /tmp/runner/** /__w/** /__e/** /github/**'),
    images: ['*runner*', 'actions/*', 'azure-pipelines*', '*azp*', 'catthehacker/*'],
    ancestors: ['Runner.Worker', 'Runner.Listener', 'Agent.Worker', 'Agent.Listener', 'run.sh'],
    what: "a pipeline step's script",
  },
  {
    paths: ['/var/run/act/**', '/run/act/**', '/tmp/act-*/**'],
    images: ['act-*', '*act_runner*', 'catthehacker/*', 'gitea/*', 'forgejo/*', 'node'],
    what: "a workflow step's script",
  },
  {
    paths: words(
      '/tmp/pip-*/** /tmp/pip_* /tmp/pip_*/** /tmp/easy_install-*/** /tmp/tmp*/** /tmp/uv-*/** /tmp/build-env-*/** /tmp/poetry-*/** /tmp/pipx*/**',
    ),
    ancestors: words(
      'pip pip3 pipx uv uvx poetry pdm hatch easy_install conda mamba micromamba setup.py tox nox',
    ),
    what: 'a build directory of a Python package manager',
  },
  {
    paths: words(
      '/tmp/npm-*/** /tmp/yarn--*/** /tmp/v8-compile-cache*/** /tmp/.npm*/** /tmp/pnpm*/** /tmp/node-gyp*/** /tmp/bunx-*/** /tmp/xfs-*/**',
    ),
    ancestors: words('npm npm-cli.js npx yarn yarn.js pnpm pnpm.cjs bun node-gyp node-gyp.js'),
    what: 'a directory of a Node package manager',
  },
  {
    paths: words('/tmp/airflowtmp*/** /tmp/airflow*/** /tmp/tmp*airflow*/**'),
    images: ['airflow*', '*airflow*'],
    ancestors: ['airflow'],
    what: "an Airflow task's script",
  },
  {
    paths: words(
      '/tmp/prefect*/** /tmp/dagster*/** /tmp/luigi*/** /tmp/nxf.* /tmp/nxf*/** /tmp/snakemake*/** **/.command.sh **/.command.run',
    ),
    images: ['prefect*', 'dagster*', 'nextflow*', 'snakemake*'],
    ancestors: words('prefect dagster luigi nextflow snakemake cwltool .command.run'),
    what: "a workflow task's script",
  },
  {
    paths: words('/tmp/build_script*/** /tmp/cargo-install*/** /tmp/rustc*/** /tmp/rust_out* /tmp/.tmp*/**'),
    images: ['rust', 'rust-*'],
    ancestors: ['cargo', 'rustc', 'rustup', 'rustdoc'],
    what: 'a directory of a cargo build',
  },
  {
    paths: words(
      '/var/tmp/rpm-tmp.* /tmp/apt-dpkg-install-*/** /tmp/dpkg* /tmp/apt.* /var/cache/apt/** /tmp/tmp.*/** /var/lib/dpkg/** /tmp/apk-*/** /lib/apk/exec/**',
    ),
    ancestors: words(
      'rpm dnf dnf5 yum microdnf tdnf zypper apt apt-get dpkg aptitude unattended-upgrade apk pacman',
    ),
    what: "a package's install script",
  },
  {
    paths: words(
      '/run/s6/** /var/run/s6/** /run/service/** /run/s6-rc*/** /run/runit/** /var/run/runit/** /run/supervise/**',
    ),
    ancestors: words(
      's6-svscan s6-supervise s6-rc s6-linux-init runsv runsvdir runit s6-overlay-suexec init',
    ),
    what: 'a service script of the init system',
  },
  {
    paths: words('/tmp/buildkite-agent*/** /tmp/agent-job-*/** /tmp/buildkite-*/**'),
    images: ['buildkite*', 'buildkite/*'],
    ancestors: ['buildkite-agent'],
    what: "a Buildkite job's script",
  },
  {
    paths: words('/tmp/circleci-*/** /tmp/.bash_env* /.circleci*/** /tmp/build_agent*/**'),
    images: ['cimg/*', 'circleci*', 'circleci/*'],
    ancestors: ['circleci-agent', 'circleci', 'picard', 'build-agent'],
    what: "a CircleCI step's script",
  },
  {
    paths: words(
      '/tmp/agentTmp/** **/agentTmp/custom_script* **/temp/agentTmp/** /tmp/*-ScriptBuildTask-* **/*-ScriptBuildTask-*.sh /tmp/TeamCity*/**',
    ),
    images: ['teamcity*', 'bamboo*', 'jetbrains/*'],
    java: /teamcity|bamboo|jetbrains\.buildServer/i,
    what: "a build agent's script",
  },
  {
    paths: words(
      '/tmp/build/** /tmp/garden-init /tmp/gocd*/** /tmp/drone-*/** /tmp/harness*/** /tmp/engine/** /tmp/woodpecker*/** /tmp/semaphore*/** /tmp/codebuild/** /codebuild/**',
    ),
    images: words('concourse* gocd* go-agent* drone* harness* woodpecker* semaphore* codebuild*'),
    ancestors: words(
      'garden-init concourse drone woodpecker lite-engine ci-addon codebuild-agent semaphore-agent',
    ),
    what: "a build step's script",
  },
  {
    paths: words(
      '/tmp/.ansible*/** /tmp/ansible*/** /tmp/awx_*/** /runner/** /tmp/bwrap_*/** **/.ansible/tmp/**',
    ),
    images: ['ansible*', 'awx*', '*-ee', 'semaphore*'],
    ancestors: words(
      'ansible ansible-playbook ansible-runner ansible-pull ansible-connection awx-manage receptor',
    ),
    what: "an Ansible task's module",
  },
  {
    paths: ['/mnt/elastic-internal/**'],
    images: words(
      'elasticsearch elasticsearch-* kibana apm-server enterprise-search elastic-agent logstash opensearch* fleet-server',
    ),
    what: "a script that Elastic's operator mounts",
  },
  {
    paths: words(
      '/tmp/hadoop-*/** /tmp/spark-*/** /tmp/nm-local-dir/** **/nm-local-dir/usercache/** **/usercache/*/appcache/** /mnt/yarn/** /mnt*/yarn/**',
    ),
    images: words('hadoop* spark* *yarn* emr* hive*'),
    java: /NodeManager|org\.apache\.spark|org\.apache\.hadoop/,
    what: "a cluster job's working directory",
  },
  {
    paths: words(
      '/tmp/coder.*/** /tmp/coder*/** /tmp/code-server*/** /tmp/devcontainers-*/** /tmp/vsc-remote-containers* /tmp/vscode-*/** /tmp/.X11-unix/** /tmp/rootless*/**',
    ),
    images: words('codercom/* code-server* coder* *workspace* *devcontainer* gitpod*'),
    ancestors: words('coder code-server node vscode-server gitpod-supervisor'),
    what: "a development environment's agent",
  },
  {
    paths: words(
      '/tmp/nix-build-*/** /tmp/guix-build-*/** /tmp/bazel*/** /tmp/buildkit*/** /tmp/cnb*/** /run/current-system/** /run/wrappers/**',
    ),
    images: words('nix* nixos* bazel* buildkit* buildpacks* lnl7/*'),
    ancestors: words('nix nix-build nix-daemon nix-shell guix bazel buildkitd buildkit-runc lifecycle'),
    what: 'a build sandbox',
  },
  {
    paths: words(
      '/tmp/terraform* /tmp/terraform*/** /tmp/packer-* /tmp/script_*.sh /tmp/helm-*/** /tmp/atlantis*/** /tmp/spacelift*/**',
    ),
    images: words('terraform* packer* atlantis* spacelift* terragrunt* opentofu*'),
    ancestors: words('terraform tofu packer atlantis terragrunt helm'),
    what: 'a script of an infrastructure tool',
  },
  {
    paths: words('/tmp/_MEI*/** /tmp/.mount_*/** /tmp/onefile_*/** /tmp/staticx-*/**'),
    ancestors: [],
    what: 'a self-unpacking program',
  },
  {
    paths: words('/run/secrets/** /var/run/secrets/** /run/configs/** /run/host-services/**'),
    ancestors: [],
    what: 'a mounted secret or configuration',
  },
];
