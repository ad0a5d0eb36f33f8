import type { Mitigation } from '../indicators/types.ts';

/** The image's purpose is this tool. */
export const purposeImage: Mitigation = {
  id: 'purpose_image',
  points: -25,
  title: 'Image made for this tool',
  description:
    "The image's name says that it runs this tool for a living: cloudflared, curl, a backup, a resolver. No server may stand above.",
  group: 'image',
  evaluate({ purpose_image, server, image }) {
    return purpose_image && !server
      ? { evidence: image.path, why: `the image ${image.path} is made for it` }
      : undefined;
  },
  examples: {
    fires: [{ run: 'cloudflared tunnel run', image: 'docker.io/cloudflare/cloudflared:2024.5.0', by: [] }],
    silent: [{ run: 'cloudflared tunnel run', image: 'docker.io/library/wordpress:6' }],
  },
};

/** An image that watches other systems. */
export const monitoringImage: Mitigation = {
  id: 'monitoring_image',
  points: -25,
  title: 'Monitoring image',
  description:
    'The image watches other systems over the network: Zabbix, Nagios, Telegraf, blackbox exporters. No server may stand above, nobody may type.',
  group: 'image',
  evaluate({ settings, image, server, interactive }) {
    if (server || interactive || !settings.isMonitoring(image)) return undefined;
    return { evidence: image.path, why: `the image ${image.path} watches other systems` };
  },
  examples: {
    fires: [
      {
        run: 'fping -C3 10.0.0.1',
        image: 'docker.io/zabbix/zabbix-server-mysql:7.0',
        by: ['sh -c "fping -C3 10.0.0.1"', 'zabbix_server'],
      },
    ],
    silent: [
      {
        run: 'fping -C3 10.0.0.1',
        image: 'docker.io/zabbix/zabbix-web-nginx-mysql:7.0',
        by: ['sh', 'php-fpm'],
      },
    ],
  },
};

/** An image made for diagnosis. */
export const debugImage: Mitigation = {
  id: 'debug_image',
  points: -15,
  title: 'Debug image',
  description:
    'The image is made to be entered and to diagnose networks: netshoot, dnsutils, network-multitool.',
  group: 'image',
  evaluate({ settings, image, server }) {
    if (server || !settings.isDebug(image)) return undefined;
    return { evidence: image.path, why: `the image ${image.path} is made for diagnosis` };
  },
  examples: {
    fires: [
      {
        run: 'dig +trace example.com',
        image: 'docker.io/nicolaka/netshoot:v0.12',
        by: ['zsh'],
        tty: true,
        in_init_tree: false,
      },
    ],
    silent: [{ run: 'dig +trace example.com', by: ['bash'], tty: true, in_init_tree: false }],
  },
};
