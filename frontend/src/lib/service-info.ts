import { createContext, use } from 'react'
import type { AppQuery, GuestPartsFragment, ModelPartsFragment, ServicePartsFragment, ViewerPartsFragment } from '@/gql/graphql'

type Unnamed<Fragment> = Omit<Fragment, ' $fragmentName'>

/** What every page may know: the installation, its models, and who is asking. */
export interface ServiceInfo {
  service: ServicePartsFragment
  models: readonly ModelPartsFragment[]
  viewer: Unnamed<GuestPartsFragment> & Unnamed<ViewerPartsFragment>
  /** The ways to sign in, in the order to show them. */
  providers: AppQuery['service']['providers']
}

/** Null while loading or unreachable. */
export const ServiceInfoContext = createContext<ServiceInfo | null>(null)

/** The installation's facts, or null while they aren't known. */
export function useServiceInfo(): ServiceInfo | null {
  return use(ServiceInfoContext)
}
