import { words } from '../../lib/words.ts';
/**
 * What a process above the tool is, by the name of its program, script or module. Only the program itself
 * counts, never an argument: an entrypoint script called `apache2-foreground` is no web server.
 */

/** Web and application servers, databases and other daemons that have no business with network tools. */
export const serverPrograms: ReadonlySet<string> = new Set(
  words(`
  nginx openresty tengine angie apache2 httpd httpd2 httpd-prefork apache lighttpd caddy frankenphp
  unitd h2o cherokee monkey litespeed lshttpd lsphp openlitespeed hiawatha boa goahead tinyhttpd
  roadrunner rr php-fpm php-cgi hhvm fcgiwrap spawn-fcgi uwsgi uwsgi-core gunicorn uvicorn hypercorn
  daphne waitress-serve granian puma unicorn unicorn_rails passenger PassengerAgent thin rackup starman
  plackup hypnotoad twiggy catalina jsvc weblogic websphere jupyter jupyter-lab jupyter-notebook
  jupyterhub jupyterhub-singleuser jupyter-server jupyter-labhub streamlit gradio flask bokeh voila
  marimo rserver rsession shiny-server mlflow raylet gcs_server ollama tritonserver torchserve bentoml
  langflow open-webui postgres postmaster postgresql mysqld mariadbd mysqld_safe mongod mongos
  redis-server redis-sentinel valkey-server keydb-server dragonfly memcached clickhouse
  clickhouse-server couchdb beam.smp influxd cockroach sqlservr tnslsnr oracle db2sysc arangod
  rethinkdb scylla crate ksqldb questdb surreal etcd vault consul-web chrome chromium chromedriver
  geckodriver headless_shell chrome-headless-shell google-chrome msedge firefox exim exim4 postfix
  master smtpd dovecot sendmail opensmtpd haraka vsftpd proftpd pure-ftpd smbd named squid asterisk
  freeswitch slapd cupsd snmpd inetd xinetd gitea gogs forgejo gitlab-workhorse grafana grafana-server
  minio nexus n8n mattermost rocketchat strapi ghost harbor_core kibana logstash superset metabase w3wp
  mono kestrel coldfusion lucee sonarqube keycloak wildfly tomcat jetty payara glassfish solr zeppelin
  nifi kong apisix httpd-foreground-server node-red hasura graphql-engine supervisord-web wordpress
  magento odoo odoo-bin zope plone nodebb websockify guacd xvnc comfyui
`),
);

/** Python modules and scripts that serve. */
export const pythonServers: ReadonlySet<string> = new Set(
  words(`
  gunicorn uvicorn hypercorn daphne uwsgi waitress waitress-serve granian flask streamlit gradio bokeh
  voila notebook jupyter jupyterlab jupyter-lab jupyter-notebook jupyter_server jupyterhub
  jupyterhub-singleuser ipykernel_launcher ipykernel http.server tornado sanic aiohttp.web twisted
  werkzeug mlflow superset odoo odoo-bin app.py server.py wsgi.py asgi.py api.py web.py webapp.py
  webui.py website.py main.py service.py launch.py fastapi langflow open_webui.main vllm ray
  dashboard.py mitmweb salt-master salt-api ajenti-panel pgadmin4 pgAdmin4.py searx cherryd litellm
  chainlit panel dash rq celery supervisord-web
`),
);

/** Ruby programs that serve. */
export const rubyServers: ReadonlySet<string> = new Set(
  words(`
  puma unicorn unicorn_rails passenger thin rackup rails falcon webrick sidekiq config.ru app.rb
  server.rb main.rb iodine fluentd
`),
);

/** Node programs that build or manage packages; every other script of node is taken for a server. */
export const nodeBuilders: ReadonlySet<string> = new Set(
  words(`
  npm npm-cli.js npx npx-cli.js yarn yarn.js yarnpkg pnpm pnpm.cjs pnpx corepack corepack.js node-gyp
  node-gyp.js webpack webpack.js webpack-cli vite vite.js rollup esbuild tsc jest jest.js mocha
  mocha.js vitest vitest.mjs eslint eslint.js gulp gulp.js grunt lerna nx turbo cypress playwright
  bower renovate semantic-release semantic-release.js install.js postinstall.js preinstall.js build.js
  prebuild-install node-pre-gyp gatsby karma ng lighthouse newman serverless cdk husky tsx ts-node
  yarn.cjs bun deno
`),
);

/** Java main classes, jars and properties of programs that build or deploy; every other java is a server. */
export const javaBuilders =
  /(?:^|[/=:.])(?:jenkins\.war|jenkins-agent\.jar|agent\.jar|slave\.jar|remoting[^/]*\.jar|swarm-client[^/]*\.jar|hudson\.[a-z.]*Main|org\.apache\.maven\S*|maven-wrapper\.jar|plexus-classworlds\S*|org\.codehaus\.plexus\S*|gradle-wrapper\.jar|org\.gradle\.\S*|gradle-launcher\S*|sbt-launch\S*|ant-launcher\S*|org\.apache\.tools\.ant\S*|surefire\S*|flyway\S*|liquibase\S*|sonar-scanner\S*|bamboo-agent\S*|atlassian-bamboo-agent\S*|teamcity-agent\S*|jetbrains\.buildServer\S*|agent-bootstrapper\S*|go-agent\S*|kotlin-compiler\S*|plantuml\S*|openapi-generator\S*|cromwell\S*|karate\S*|closure-compiler\S*)/;

/** Jenkins by its java arguments. */
export const javaJenkins =
  /(?:jenkins\.war|jenkins-agent\.jar|agent\.jar|slave\.jar|remoting[^/]*\.jar|swarm-client|hudson\.)/;

/** CI runners, build tools, test runners, package managers, deployment and workflow programs. */
export const buildPrograms: ReadonlySet<string> = new Set(
  words(`
  gitlab-runner gitlab-runner-helper gitlab-runner-build gitlab-runner-service Runner.Worker
  Runner.Listener Runner.PluginHost Agent.Worker Agent.Listener actions-runner run-helper.sh act_runner
  act forgejo-runner buildkite-agent circleci-agent circleci circleci-runner build-agent picard drone
  drone-runner drone-agent drone-runner-docker drone-exec plugin-drone woodpecker woodpecker-agent
  concourse garden-init tekton-entrypoint argoexec executor kaniko buildkitd buildkit-runc buildctl
  buildah img makisu earthly dagger dagger-engine skaffold docker-build ci-addon lite-engine harness-ci
  bamboo-agent teamcity-agent semaphore-agent agent-launcher travis-worker codebuild-agent gocd-agent
  jenkins jenkins-agent jenkins.sh spinnaker kas make gmake ninja cmake meson scons bazel bazelisk buck
  buck2 pants please ant mvn mvnw gradle gradlew sbt cargo rustc rustup go gotestsum ginkgo pytest
  py.test tox nox bats rake rspec phpunit ctest msbuild xbuild just task waf ccache distcc
  build-script-build configure autoreconf dotnet-sdk mix rebar3 stack cabal dune opam lein zig nimble
  swift xcodebuild fpm dpkg-buildpackage rpmbuild abuild makepkg debuild npm npx yarn pnpm bun pip pip3
  pipx uv uvx poetry pipenv pdm rye hatch conda mamba micromamba easy_install apt apt-get aptitude dpkg
  dpkg-deb unattended-upgrade yum dnf dnf5 microdnf tdnf rpm zypper apk pacman xbps-install emerge snap
  flatpak gem bundle bundler composer composer.phar cpan cpanm luarocks nix nix-build nix-daemon
  nix-env guix brew asdf mise sdk nvm pyenv rbenv krew nuget vcpkg conan install_packages tlmgr
  update-ca-certificates git git-remote-http git-remote-https git-remote-ssh git-lfs git-sync svn hg
  repo pre-commit renovate argocd argocd-repo-server argocd-application-controller flux
  source-controller kustomize-controller helm helmfile kustomize terraform tofu terragrunt pulumi
  packer atlantis vagrant ansible ansible-playbook ansible-runner ansible-pull ansible-connection
  awx-manage semaphore salt-ssh salt-call puppet chef-client capistrano cap fab fabric airflow prefect
  dagster luigi nextflow snakemake cwltool rundeck dbt devpod coder code-server openvscode-server
  vscode-server gitpod
`),
);

/** Runs jobs at their time. */
export const schedulerPrograms: ReadonlySet<string> = new Set(
  words(`
  cron crond cronie anacron fcron dcron bcron supercronic yacron ofelia jobber jobberd go-cron go-crond
  cronicle atd run-parts periodic devcron mcron ts-cron chronos snooze tasker
`),
);

/** First processes and supervisors of containers: they say nothing about what they start. */
export const initPrograms: ReadonlySet<string> = new Set(
  words(`
  tini tini-static docker-init dumb-init catatonit s6-svscan s6-supervise s6-linux-init runsv runsvdir
  runit supervisord pause init my_init monit circusd pm2 foreman honcho overmind multirun
  process-compose openrc start-stop-daemon nodaemon bash-init
`),
);
