import { diagnose, type Finding } from './diagnosis.ts';
import { readFacts } from './facts.ts';

const marks: Readonly<Record<Finding['kind'], string>> = { good: '✓', bad: '✗', note: '·' };

/**
 * Says what this container offers, and which of init's duties can be done.
 * @param program the command that would be run, without its arguments
 * @param inherited the descriptors that were open before node opened 0 to 2; undefined if nobody has listed them
 */
export function examine(
  program: string | undefined,
  json: boolean,
  inherited: readonly number[] | undefined,
): { text: string; status: 0 | 1 } {
  const findings = diagnose(readFacts(inherited), program);
  const isWell = findings.every(({ kind }) => kind !== 'bad');
  const text = json
    ? `${JSON.stringify({ well: isWell, findings })}\n`
    : findings.map(({ kind, name, text }) => `${marks[kind]} ${name.padEnd(12)} ${text}\n`).join('');
  return { text, status: isWell ? 0 : 1 };
}
