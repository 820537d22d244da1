import { findProvider, providerProblems, providers } from '../../dns/registry.ts';
import { didYouMean } from '../../text/closest.ts';
import type { ChallengeConfig } from '../config.ts';
import { Fault } from '../fault.ts';
import { type Argument, type ArgumentReader, type ArgumentType, NONE } from './argument.ts';
import { type Option, one, readOptions } from './arguments.ts';

const providerName: ArgumentType<string> = {
  placeholder: 'PROVIDER',
  description: null,
  parse: (text) => {
    const provider = findProvider(text);
    if (provider !== null) return provider.name;
    const names = providers.map(({ name }) => name);
    const hint =
      didYouMean(text, names) ?? `there are ${names.join(', ')}; exec and httpreq reach all others`;
    return new Fault('invalid-keyword', 'is no DNS provider', hint);
  },
};

/** What is behind `challenge dns-01`: a provider and its options, which the provider itself judges. */
export const dnsChallenge: Argument<ChallengeConfig> = {
  synopsis: 'PROVIDER [key=value…]',
  types: [],
  read: (input) => {
    const at = input.peek() ?? input.directive;
    const provider = one(providerName).read(input);
    const options = readOptions(input);
    if (provider === NONE) return NONE;
    for (const problem of problemsOf(provider, options, input)) {
      const place = options.find(({ key }) => key === problem.option)?.word ?? at;
      // What the server has in its environment need not be there where the file is only checked.
      const weak = problem.code === 'missing-option' || problem.option === null;
      const severity = weak && input.context.mode === 'check' ? 'warning' : 'error';
      input.report(place, problem.code, `${provider}: ${problem.message}`, problem.hint, severity);
    }
    return {
      type: 'dns-01',
      provider,
      options: Object.fromEntries(options.map(({ key, value }) => [key, value])),
    };
  },
};

/** Whether the value of an option must not be shown; what is not known is not shown either. */
export function isSecretOption(provider: string, key: string): boolean {
  const option = findProvider(provider)?.options.find(
    ({ name }) => name === key || (name.endsWith('.') && key.startsWith(name)),
  );
  return option?.secret ?? option === undefined;
}

/** Problems of the options whose values are known. */
function problemsOf(provider: string, options: readonly Option[], input: ArgumentReader) {
  const unknown = new Set(options.filter(({ word }) => word.unresolved).map(({ key }) => key));
  const given = options.map(({ key, value }) => [key, unknown.has(key) ? '' : value]);
  return providerProblems(provider, Object.fromEntries(given), input.context.env).flatMap((problem) => {
    if (problem.code === 'unknown-provider' || unknown.has(problem.option ?? '')) return [];
    // An unknown value may be the one that a combination lacks.
    return problem.option === null && unknown.size > 0 ? [] : [problem];
  });
}
