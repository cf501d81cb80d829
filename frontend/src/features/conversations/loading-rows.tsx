const widths = ['w-40', 'w-32', 'w-48', 'w-36', 'w-44', 'w-28']

/** Where conversations will be. */
export function LoadingRows() {
  return (
    <div aria-hidden className="late flex-1 space-y-4 px-3 pt-8">
      {widths.map((width) => (
        <div key={width} className={`shade h-4 ${width}`} />
      ))}
    </div>
  )
}
