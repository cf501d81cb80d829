import { Trans } from '@lingui/react/macro'
import { Component, type ComponentType, type FunctionComponent, lazy, type ReactNode } from 'react'
import { loadFurtherWords, type Part } from '@/lib/i18n'
import { offerReload } from '@/lib/offer-reload'
import { Button } from './button'

/**
 * What stands for a part that can't be loaded: a line that says so, nothing, or, for a dialog,
 * a toast and what closes it.
 */
type WhenFailed<Props> = 'say' | 'nothing' | ((props: Props) => void)

/** A part that couldn't be loaded, unlike one that failed. `renew` has the next draw load it again. */
class NotLoaded extends Error {
  constructor(
    cause: unknown,
    readonly renew: () => void,
  ) {
    super(String(cause), { cause })
  }
}

/**
 * A component that is loaded, with its words (null: they are there), when it is first drawn, and
 * again with the next draw when that failed. Only its own place shows that it failed.
 */
export function lazyPart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  part: Part | null = 'pages',
  whenFailed: WhenFailed<Props> = 'say',
): FunctionComponent<Props> {
  const loader = (): ComponentType<Props> => {
    const inner = lazy(async () => {
      try {
        const [component] = await Promise.all([load(), part && loadFurtherWords(part)])
        return { default: component }
      } catch (error) {
        throw new NotLoaded(error, () => {
          if (current === inner) current = loader()
        })
      }
    }) as ComponentType<Props>
    return inner
  }
  let current = loader()
  return function LazyPart(props: Props) {
    const draw = () => {
      const Loaded = current
      return <Loaded {...props} />
    }
    const onFailed = () => {
      if (typeof whenFailed !== 'function') return
      whenFailed(props)
      offerReload()
    }
    return <PartBoundary draw={draw} say={whenFailed === 'say'} onFailed={onFailed} />
  }
}

interface PartBoundaryProps {
  draw(): ReactNode
  say: boolean
  onFailed(): void
}

class PartBoundary extends Component<PartBoundaryProps, { error: unknown }> {
  override state = { error: null as unknown }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override componentDidMount() {
    window.addEventListener('online', this.again)
  }

  override componentWillUnmount() {
    window.removeEventListener('online', this.again)
  }

  override componentDidCatch(error: unknown) {
    if (!(error instanceof NotLoaded)) return
    error.renew()
    this.props.onFailed()
  }

  again = () => this.setState({ error: null })

  override render() {
    const { error } = this.state
    if (error === null) return this.props.draw()
    if (!(error instanceof NotLoaded)) throw error
    return this.props.say ? <Failed onAgain={this.again} /> : null
  }
}

function Failed({ onAgain }: { onAgain(): void }) {
  return (
    <div role="alert" className="flex flex-wrap items-center justify-center gap-2 p-5 text-sm text-ink-2">
      <Trans>This part can’t be loaded.</Trans>
      <Button onClick={onAgain}>
        <Trans>Try again</Trans>
      </Button>
      <Button look="quiet" onClick={() => location.reload()}>
        <Trans>Reload</Trans>
      </Button>
    </div>
  )
}
