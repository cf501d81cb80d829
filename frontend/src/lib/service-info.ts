import { createContext, use } from 'react'
import type { GuestPartsFragment, ModelPartsFragment, ServicePartsFragment } from '@/gql/graphql'

/** What every page may know: the installation, its models and the viewer's allowance. */
export interface ServiceInfo {
  service: ServicePartsFragment
  models: readonly ModelPartsFragment[]
  viewer: GuestPartsFragment
}

/** Null while loading or unreachable. */
export const ServiceInfoContext = createContext<ServiceInfo | null>(null)

/** The installation's facts, or null while they aren't known. */
export function useServiceInfo(): ServiceInfo | null {
  return use(ServiceInfoContext)
}
