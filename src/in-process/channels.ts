import { channel, hasSubscribers } from 'node:diagnostics_channel';
import type { ExitEvent, KillEvent, OrphanEvent, StartedEvent } from '../events/events.ts';

/** What each channel of node:diagnostics_channel gets: docs/events.md. */
export interface EventChannels {
  readonly 'subreaper:started': StartedEvent;
  readonly 'subreaper:orphan': OrphanEvent;
  /** With `killOrphansOnExit`. */
  readonly 'subreaper:kill': KillEvent;
  /** As PID 1. Subscribers run before the process ends, and must not wait for anything. */
  readonly 'subreaper:exit': ExitEvent;
}

type AppEvent = EventChannels[keyof EventChannels];

/** Ask before you build an event: it costs nothing if nobody subscribes. */
export function isSubscribed(event: AppEvent['event']): boolean {
  return hasSubscribers(`subreaper:${event}`);
}

export function publish(event: AppEvent): void {
  channel(`subreaper:${event.event}`).publish(event);
}
