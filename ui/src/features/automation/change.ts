/** Sets the automation switch. Not shown ahead of the answer: it is what everything else depends on. */
import { setAutomation } from '../../api/calls';
import { problemOf } from '../../api/problem';
import { complain, say } from '../notices/notices.svelte';
import { acceptAutomation } from '../overview/overview.svelte';
import { POSTURE_WORDS, type Option } from './posture';

export async function choose(option: Option): Promise<void> {
  try {
    const now = await setAutomation(option.posture, option.minutes, null);
    acceptAutomation(now);
    say(`Automation: ${POSTURE_WORDS[now.effective].toLowerCase()}.`);
  } catch (error) {
    complain(problemOf(error));
  }
}
