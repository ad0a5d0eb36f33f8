import type { Mitigation } from '../indicators/types.ts';
import { short } from '../phrases.ts';

/** CI, build tool or package manager above. */
export const buildAncestor: Mitigation = {
  id: 'build_ancestor',
  points: -20,
  title: 'Build, deployment or package manager',
  description:
    'A CI runner, build tool, package manager or deployment program stands above, or the image is made to build.',
  group: 'build',
  evaluate({ build, settings, image, server, interactive }) {
    if (server) return undefined;
    if (build)
      return { evidence: build.name, why: `${build.name} started it, which builds, installs or deploys` };
    if (interactive || !settings.isBuild(image)) return undefined;
    return { evidence: image.path, why: `the image ${image.path} is made to build` };
  },
  examples: {
    fires: [
      { run: 'ssh git@git.example.com git-upload-pack x', by: ['git fetch origin'] },
      { run: 'nslookup db.example.net', by: ['sh', 'npm install'] },
    ],
    silent: [{ run: 'nslookup db.example.net', by: ['sh'] }],
  },
};

/** The script of a known build step. */
export const buildStep: Mitigation = {
  id: 'build_step',
  points: -35,
  title: 'Known build step',
  description:
    'The script above is what Jenkins, Airflow, Tekton, Argo and their like put into such places, and image or ancestors agree.',
  group: 'build',
  evaluate({ build_step, server }) {
    if (build_step === undefined || server) return undefined;
    return { evidence: short(build_step), why: `above it runs ${build_step}` };
  },
  examples: {
    fires: [
      {
        run: 'nc -z db.example.net 5432',
        by: ['sh -xe /tmp/jenkins1733.sh', 'java -jar /usr/share/jenkins/jenkins.war'],
        image: 'docker.io/jenkins/jenkins:lts',
      },
    ],
    silent: [{ run: 'nc -z db.example.net 5432', by: ['sh -xe /tmp/jenkins1733.sh'] }],
  },
};
