import type { Indicator } from './types.ts';

/** A server or database started it. */
export const serverAncestor: Indicator = {
  id: 'server_ancestor',
  points: 30,
  hard: false,
  mitre: ['T1190', 'T1505.003'],
  title: 'Below a server',
  description:
    'A web or application server, a database or a browser stands above the tool in the container: such programs normally run no network tools. Only the program counts, never an argument of a start script.',
  evaluate({ server }) {
    if (!server) return undefined;
    const pid = server.pid === undefined ? '' : ` (pid ${server.pid})`;
    return {
      evidence: server.name,
      why: `it descends from ${server.name}${pid}, which normally does not run network tools`,
    };
  },
  examples: {
    fires: [
      {
        run: 'nslookup c2.example.net',
        by: ['sh', 'java -Dcatalina.base=/usr/local/tomcat org.apache.catalina.startup.Bootstrap start'],
      },
      { run: 'ping -c1 x.oob.example', by: ["sh -c 'ping -c1 x.oob.example'", 'java -jar /app/app.jar'] },
    ],
    silent: [
      {
        run: 'curl -s http://config.example.com/',
        by: ['sh /usr/local/bin/docker-entrypoint.sh apache2-foreground'],
      },
      {
        run: 'wget -q https://artifacts.example.com/lib.zip',
        by: ['sh -xe /tmp/jenkins1733.sh', 'java -jar /usr/share/jenkins/jenkins.war'],
        image: 'docker.io/jenkins/jenkins:lts',
      },
    ],
  },
};
