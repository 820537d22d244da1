import { type WantedCertificates, wantedCertificates } from '../certs/wanted.ts';
import type { Config } from '../config/config.ts';
import { certificateNames, IssuerChoice } from '../config/issuer-choice.ts';

/** The certificates that a configuration asks for, and the one of each route. */
export function wantedOf(config: Config): WantedCertificates {
  const choice = new IssuerChoice(config.issuers);
  const wildcardDomains = new Set(config.global.wildcardDomains);
  return wantedCertificates(
    config.routes.map((route) => {
      const names = certificateNames(route, wildcardDomains);
      return { names, issuers: choice.for(route.provider, names).map(({ name }) => name) };
    }),
  );
}
