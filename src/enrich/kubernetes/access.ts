import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { LannerError, messageOf } from '../../lib/errors.ts';
import type { EnrichConfig } from '../config.ts';

/** Where the API server is, and what a request to it carries. */
export interface KubeAccess {
  /** URL without a path at its end. */
  server: string;
  /** TLS, agent and credentials for one request; credentials are read anew when they may have rotated. */
  options(): Promise<RequestOptions>;
}

export interface AccessOptions {
  config: Pick<EnrichConfig['kubernetes'], 'kubeconfig' | 'context'>;
  env: NodeJS.ProcessEnv;
  /** Folder with `token` and `ca.crt` of the pod's service account. */
  serviceAccount: string;
  now: () => number;
}

export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
const renewMs = 60_000;

/** True if this process runs in a pod with a service account. */
export function runsInPod(env: NodeJS.ProcessEnv, serviceAccount: string): boolean {
  if (!env.KUBERNETES_SERVICE_HOST) return false;
  try {
    readFileSync(join(serviceAccount, 'token'));
    return true;
  } catch {
    return false;
  }
}

/** Reads the kubeconfig, or the pod's service account. Rejects with `kube_credentials`. */
export async function openAccess(options: AccessOptions): Promise<KubeAccess> {
  const { kubeconfig, context } = options.config;
  try {
    const access =
      kubeconfig === undefined ? ownAccess(options) : await kubeconfigAccess(kubeconfig, context);
    return { server: access.server, options: renewed(access.options, options.now) };
  } catch (error) {
    throw credentialsError(messageOf(error), error);
  }
}

export function credentialsError(message: string, cause?: unknown): LannerError {
  return new LannerError(
    'kube_credentials',
    message,
    'check enrich.kubernetes.kubeconfig, or the service account and its token in the pod',
    { cause },
  );
}

/**
 * The service account needs three small files, so the client library (75 MB of memory) is loaded for
 * kubeconfigs only.
 */
function ownAccess(options: AccessOptions): KubeAccess {
  const host = options.env.KUBERNETES_SERVICE_HOST;
  const port = options.env.KUBERNETES_SERVICE_PORT ?? '443';
  if (!host) throw new Error('not in a pod (KUBERNETES_SERVICE_HOST is not set), and no kubeconfig is given');
  const ca = readFileSync(join(options.serviceAccount, 'ca.crt'));
  const agent = new Agent({ keepAlive: true, ca });
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async options() {
      const token = readFileSync(join(options.serviceAccount, 'token'), 'utf8').trim();
      return { agent, headers: { authorization: `Bearer ${token}` } };
    },
  };
}

async function kubeconfigAccess(file: string, context: string | undefined): Promise<KubeAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(file);
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const names = config.getContexts().map((one) => one.name);
    throw new Error(
      `${file} has no cluster for context ${config.getCurrentContext()}; it has: ${names.join(', ')}`,
    );
  }
  return {
    server: cluster.server.replace(/\/+$/, ''),
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
  };
}

function renewed(make: () => Promise<RequestOptions>, now: () => number): () => Promise<RequestOptions> {
  let made: Promise<RequestOptions> | undefined;
  let until = 0;
  return () => {
    if (made === undefined || now() >= until) {
      until = now() + renewMs;
      made = make();
      // A failure is not kept.
      made.catch(() => {
        until = 0;
      });
    }
    return made;
  };
}
